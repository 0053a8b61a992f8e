# Sends what the gem keratin-authn sends, by the same HTTP library and in the same form, and reads the answers as it does.
# The gem itself isn't among the packages of our tests.
require "json"
require "jwt"
require "net/http"
require "uri"

ISSUER, PRIVATE, TOKEN = ENV.values_at("ISSUER", "PRIVATE", "TOKEN")

class Refused < StandardError; end

def submit(kind, base, path, form: nil, auth: nil)
  uri = URI.parse(base.chomp("/") + path)
  request = kind.new(uri)
  request.basic_auth(*auth) if auth
  request.set_form_data(form) if form
  response = Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == "https") { |http| http.request(request) }
  case response
  when Net::HTTPSuccess
    response.body.to_s.empty? ? {} : JSON.parse(response.body)
  when Net::HTTPClientError
    errors = JSON.parse(response.body)["errors"]
    raise Refused, errors.map { |e| "#{e["field"]} #{e["message"]}" }.join(", ")
  else
    raise "#{kind::METHOD} #{path}: #{response.code}"
  end
end

def private_call(kind, path, form = nil)
  submit(kind, PRIVATE, path, form: form, auth: [ENV["AUTHN_USER"], ENV["AUTHN_PASSWORD"]])
end

# The subject of a token: the key is that for signatures with the token's kid, and comes from the issuer's URL.
def subject_from(token, audience)
  claims, header = JWT.decode(token, nil, false)
  return unless URI.parse(claims["iss"]) == URI.parse(ISSUER)
  keys = submit(Net::HTTP::Get, ISSUER, "/jwks")["keys"]
  described = submit(Net::HTTP::Get, ISSUER, "/configuration")
  raise "jwks_uri" unless described["jwks_uri"] == ISSUER.chomp("/") + "/jwks"
  key = keys.find { |k| k["use"] == "sig" && k["kid"] == header["kid"] }
  JWT.decode(token, JWT::JWK.import(key).public_key, true, algorithm: "RS256", aud: audience, verify_aud: true)[0]["sub"]
end

def refusal
  yield
  nil
rescue Refused => e
  e.message
end

id = subject_from(TOKEN, ENV["AUDIENCE"])
name = ENV["NAME"]
private_call(Net::HTTP::Patch, "/accounts/#{id}", { username: name })
private_call(Net::HTTP::Patch, "/accounts/#{id}/lock")
private_call(Net::HTTP::Patch, "/accounts/#{id}/unlock")
private_call(Net::HTTP::Patch, "/accounts/#{id}/expire_password")
taken = refusal { private_call(Net::HTTP::Post, "/accounts/import", { username: name, password: "x", locked: false }) }
missing = refusal { private_call(Net::HTTP::Patch, "/accounts/#{id}", { username: "" }) }
private_call(Net::HTTP::Delete, "/accounts/#{id}")
imported = private_call(Net::HTTP::Post, "/accounts/import", { username: name, password: "from before", locked: true })
none = refusal { private_call(Net::HTTP::Patch, "/accounts/99/lock") }
puts JSON.generate(subject: id, taken: taken, missing: missing, imported: imported["result"]["id"], none: none)
