// Signs in with openid-client, with every check that it has. The settings come as the
// first line of standard input. When a browser is needed, {"open": URL, "state": state} goes out and the
// URL at which the browser left the provider comes back: whoever runs this has the browser.
import { createInterface } from 'node:readline'
import { webcrypto } from 'node:crypto'
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import * as oauth from 'oauth4webapi'

// Node 18, which is Debian 12's, has these in a module only, not as the globals that the
// library uses.
globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= webcrypto.CryptoKey

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (message) => process.stdout.write(JSON.stringify(message) + '\n')
const hear = async () => (await lines.next()).value
const browse = async (url, state) => {
  say({ open: url.href, state })
  return new URL(await hear())
}

const settings = JSON.parse(await hear())
const { issuer, client } = settings

// A private key as the library wants it.
const algorithms = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
}
const privateKey = async (jwk) => {
  const { alg, use, ...rest } = jwk
  return { key: await webcrypto.subtle.importKey('jwk', rest, algorithms[alg], false, ['sign']), kid: jwk.kid }
}

const authentication = {
  client_secret_basic: () => oidc.ClientSecretBasic(client.secret),
  client_secret_post: () => oidc.ClientSecretPost(client.secret),
  private_key_jwt: async () => oidc.PrivateKeyJwt(await privateKey(client.key)),
  none: () => oidc.None(),
}

const execute = [oidc.enableNonRepudiationChecks]
if (new URL(issuer).protocol === 'http:') execute.push(oidc.allowInsecureRequests)
const config = await oidc.discovery(new URL(issuer), client.id, { ...client.metadata }, await authentication[client.method](), { execute })
assert.equal(config.serverMetadata().issuer, issuer)

const person = async (begin = oidc.buildAuthorizationUrl, more = {}, options = undefined) => {
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const nonce = oidc.randomNonce()
  const url = await begin(config, {
    redirect_uri: client.redirectURI,
    scope: 'openid profile email offline_access',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state, nonce, max_age: '3600', ...more,
  })
  const tokens = await oidc.authorizationCodeGrant(config, await browse(url, state), {
    pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true, maxAge: 3600,
  }, undefined, options)
  const { sub } = tokens.claims()
  const info = await oidc.fetchUserInfo(config, tokens.access_token, sub, options)
  assert.equal(info.email, settings.email)
  assert.equal(info.email_verified, true)

  const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, options)
  assert.notEqual(renewed.access_token, tokens.access_token)
  assert.notEqual(renewed.refresh_token, tokens.refresh_token)
  assert.equal(renewed.claims().sub, sub)
  await oidc.fetchUserInfo(config, renewed.access_token, sub, options)
  if (options) {
    assert.equal(renewed.token_type, 'dpop')
    await assert.rejects(oidc.fetchUserInfo(config, renewed.access_token, sub))
    const other = { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair()) }
    await assert.rejects(oidc.fetchUserInfo(config, renewed.access_token, sub, other))
    if (client.method === 'none') {
      await assert.rejects(oidc.refreshTokenGrant(config, renewed.refresh_token, undefined, other), { error: 'invalid_grant' })
    }
  }

  if (client.method !== 'none') {
    const seen = await oidc.tokenIntrospection(config, renewed.access_token)
    assert.equal(seen.active, true)
    assert.equal(seen.sub, sub)
    assert.equal(seen.client_id, client.id)
  }
  await oidc.tokenRevocation(config, renewed.refresh_token, { token_type_hint: 'refresh_token' })
  await assert.rejects(oidc.refreshTokenGrant(config, renewed.refresh_token, undefined, options), { error: 'invalid_grant' })
  await assert.rejects(oidc.fetchUserInfo(config, renewed.access_token, sub, options))
  if (client.method !== 'none') {
    assert.equal((await oidc.tokenIntrospection(config, renewed.access_token)).active, false)
  }

  const leave = oidc.buildEndSessionUrl(config, {
    post_logout_redirect_uri: client.postLogoutRedirectURI, id_token_hint: renewed.id_token, state: 'bye',
  })
  const left = await browse(leave)
  assert.equal(left.href, client.postLogoutRedirectURI + '?state=bye')
}

// pushed is person with a pushed authorization request.
const pushed = () => person(oidc.buildAuthorizationUrlWithPAR)

// bound is person with tokens that are bound to a key (DPoP): the code by dpop_jkt, or by the proof of a pushed request.
const bound = async () => {
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
  await person(oidc.buildAuthorizationUrl, { dpop_jkt: await DPoP.calculateThumbprint() }, { DPoP })
}
const boundPushed = async () => {
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('EdDSA').catch(() => oidc.randomDPoPKeyPair()))
  await person((config, parameters) => oidc.buildAuthorizationUrlWithPAR(config, parameters, { DPoP }), {}, { DPoP })
}

// signed is person with a signed request (JAR).
const signed = async () => {
  const key = await privateKey(client.key)
  await person((config, parameters) => oidc.buildAuthorizationUrlWithJAR(config, parameters, key))
}

const program = async () => {
  const tokens = await oidc.clientCredentialsGrant(config, { scope: 'reports:read' })
  assert.equal(tokens.scope ?? 'reports:read', 'reports:read')
  assert.equal(tokens.refresh_token, undefined)
  const seen = await oidc.tokenIntrospection(config, tokens.access_token)
  assert.equal(seen.active, true)
  assert.equal(seen.sub, client.id)
  await oidc.tokenRevocation(config, tokens.access_token)
  assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, false)
}

// boundProgram is a client of the FAPI 2.0 client credentials profile: private_key_jwt and DPoP.
const boundProgram = async () => {
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
  const tokens = await oidc.clientCredentialsGrant(config, { scope: 'reports:read' }, { DPoP })
  assert.equal(tokens.token_type, 'dpop')
  const seen = await oidc.tokenIntrospection(config, tokens.access_token)
  assert.equal(seen.token_type, 'DPoP')
  assert.equal(seen.cnf.jkt, await DPoP.calculateThumbprint())
}

// fapi is a client of the FAPI 2.0 Security Profile, with signed responses (JARM): it pushes its requests, and its tokens
// are bound to a key.
const fapi = async () => {
  oidc.useJwtResponseMode(config)
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const url = await oidc.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: client.redirectURI, scope: 'openid email offline_access', state,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  }, { DPoP })
  const tokens = await oidc.authorizationCodeGrant(config, await browse(url, state), {
    pkceCodeVerifier: verifier, expectedState: state, idTokenExpected: true,
  }, undefined, { DPoP })
  assert.equal(tokens.token_type, 'dpop')
  const { sub } = tokens.claims()
  assert.equal((await oidc.fetchUserInfo(config, tokens.access_token, sub, { DPoP })).email, settings.email)
  for (let i = 0; i < 2; i++) { // the refresh token stays as it is
    const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
    assert.equal(renewed.refresh_token ?? tokens.refresh_token, tokens.refresh_token)
  }
  const plain = await oidc.buildAuthorizationUrl(config, { redirect_uri: client.redirectURI, scope: 'openid', state })
  await assert.rejects(oidc.authorizationCodeGrant(config, await browse(plain, state), { expectedState: state }),
    { error: 'invalid_request' }) // it has to be pushed
}

// lowLevel gets a bound token by oauth4webapi, which leaves it to the program to send a request again with the nonce.
const lowLevel = async () => {
  const as = config.serverMetadata()
  const insecure = { [oauth.allowInsecureRequests]: new URL(issuer).protocol === 'http:' }
  const DPoP = oauth.DPoP({ client_id: client.id }, await oauth.generateKeyPair('ES256'))
  const ask = async () => oauth.processClientCredentialsResponse(as, { client_id: client.id },
    await oauth.clientCredentialsGrantRequest(as, { client_id: client.id },
      oauth.PrivateKeyJwt(await privateKey(client.key)), { scope: 'reports:read' }, { DPoP, ...insecure }))
  let asked = 0
  const tokens = await ask().catch((err) => {
    assert.ok(oauth.isDPoPNonceError(err))
    asked++
    return ask()
  })
  assert.equal(asked, 1)
  assert.equal(tokens.token_type, 'dpop')
  assert.equal((await ask()).token_type, 'dpop') // the nonce is still good
}

// device shows a code, and asks until the user has typed it in a browser elsewhere (RFC 8628).
const device = async () => {
  const codes = await oidc.initiateDeviceAuthorization(config, { scope: 'openid email offline_access' })
  assert.equal(codes.verification_uri_complete, undefined)
  say({ open: codes.verification_uri, type: codes.user_code })
  const [tokens] = await Promise.all([oidc.pollDeviceAuthorizationGrant(config, codes), hear()])
  const { sub } = tokens.claims()
  assert.equal((await oidc.fetchUserInfo(config, tokens.access_token, sub)).email, settings.email)
  const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token)
  assert.equal(renewed.claims().sub, sub)
  const refused = await oidc.initiateDeviceAuthorization(config, { scope: 'openid' })
  say({ open: refused.verification_uri, type: refused.user_code, deny: true })
  await hear()
  await assert.rejects(oidc.pollDeviceAuthorizationGrant(config, refused), { error: 'access_denied' })
}

const parts = { person, pushed, program, bound, boundPushed, signed, boundProgram, lowLevel, fapi, device }
for (const part of settings.parts) await parts[part]()
say({ done: true })
process.exit(0)
