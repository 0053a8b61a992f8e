const issuer = "http://localhost:8080";
let token = { expires: 0 };

// Returns an access token for the API key, which is kept until shortly before it expires.
async function accessToken() {
  if (Date.now() < token.expires) return token.value;
  const response = await fetch(issuer + "/token", { method: "POST", body: new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token: process.env.API_KEY,
    subject_token_type: "urn:vouchsafe:token-type:api-key",
  }) });
  if (!response.ok) throw new Error(`no token: ${response.status} ${await response.text()}`);
  const { access_token, expires_in } = await response.json();
  token = { value: access_token, expires: Date.now() + (expires_in - 30) * 1000 };
  return token.value;
}

const headers = { Authorization: `Bearer ${await accessToken()}` };
const response = await fetch("http://localhost:3000/orders", { headers });
console.log(response.status, await response.text());
