// The playground: a public client that runs authorization code + PKCE against the
// server it came from, and shows what it does. It uses what browsers have and nothing
// else, so that it can be read from top to bottom as an example of the protocol.

const issuer = document.body.dataset.issuer;
const path = document.body.dataset.path;
const clientID = document.body.dataset.client;
const redirectURI = issuer + "/dev/callback";
const $ = (id) => document.getElementById(id);

// What must outlive the trip to the sign-in page: the secrets of the running request,
// the tokens, and the steps so far. This tab's alone.
const memory = {
  get: (key) => JSON.parse(sessionStorage.getItem("vouchsafe." + path + key) ?? "null"),
  set: (key, value) => sessionStorage.setItem("vouchsafe." + path + key, JSON.stringify(value)),
};
const steps = memory.get("steps") ?? [];
let tokens = memory.get("tokens");
let metadata;

// --- the protocol ---------------------------------------------------------------

async function discover() {
  metadata ??= await (await fetch(issuer + "/.well-known/openid-configuration")).json();
  return metadata;
}

async function authorize(form) {
  const { authorization_endpoint } = await discover();
  const verifier = random();
  const params = {
    response_type: "code",
    client_id: clientID,
    redirect_uri: redirectURI,
    scope: form.getAll("scope").join(" "),
    state: random(),
    nonce: random(),
    code_challenge: base64url(await sha256(verifier)),
    code_challenge_method: "S256",
  };
  for (const name of ["prompt", "max_age", "login_hint"]) {
    if (form.get(name)) params[name] = form.get(name);
  }
  Object.assign(params, Object.fromEntries(new URLSearchParams(form.get("other"))));
  memory.set("request", { verifier, state: params.state, nonce: params.nonce });
  forgetTokens(); // beside an outcome without tokens, buttons for those of before would mislead
  add({ title: "The browser goes to the authorization endpoint", line: "GET " + authorization_endpoint, pairs: params });
  location.assign(authorization_endpoint + "?" + new URLSearchParams(params));
}

async function callback(params) {
  const request = memory.get("request");
  memory.set("request", null);
  const answer = Object.fromEntries(params);
  if (params.has("error")) {
    add({ title: "The response is an error", line: "GET " + redirectURI, pairs: answer, bad: true });
    return;
  }
  const checks = [
    check(request && answer.state === request.state, "state matches the request", "state doesn't match: this response belongs to another request"),
    check(answer.iss === issuer, "iss is the expected issuer (RFC 9207)", "iss is not the expected issuer"),
  ];
  add({ title: "The response brings a code", line: "GET " + redirectURI, pairs: answer, checks });
  if (checks.every((c) => c.ok)) {
    await exchange("The client exchanges the code for tokens", {
      grant_type: "authorization_code",
      code: answer.code,
      redirect_uri: redirectURI,
      client_id: clientID,
      code_verifier: request.verifier,
    }, request.nonce);
  }
}

async function exchange(title, params, nonce) {
  const { token_endpoint } = await discover();
  const { res, body } = await call(token_endpoint, { method: "POST", body: new URLSearchParams(params) });
  const step = { title, line: "POST " + token_endpoint, pairs: params, status: res.status, bad: !res.ok, answer: body };
  if (res.ok) {
    tokens = { ...tokens, ...body };
    memory.set("tokens", tokens);
    step.tokens = [];
    if (body.id_token) step.tokens.push(await decode("ID token", body.id_token, { nonce, accessToken: body.access_token }));
    step.tokens.push(await decode("Access token", body.access_token, {}));
  }
  add(step);
}

async function userinfo() {
  const { userinfo_endpoint } = await discover();
  const { res, body } = await call(userinfo_endpoint, { headers: { Authorization: "Bearer " + tokens.access_token } });
  add({ title: "Userinfo returns the user's claims", line: "GET " + userinfo_endpoint, pairs: { Authorization: "Bearer " + tokens.access_token }, status: res.status, bad: !res.ok, answer: body });
}

function refresh() {
  return exchange("The client exchanges the refresh token for new tokens", {
    grant_type: "refresh_token", refresh_token: tokens.refresh_token, client_id: clientID,
  });
}

async function revoke() {
  const { revocation_endpoint } = await discover();
  const params = { token: tokens.refresh_token ?? tokens.access_token, client_id: clientID };
  const { res, body } = await call(revocation_endpoint, { method: "POST", body: new URLSearchParams(params) });
  add({ title: "The client revokes the token and everything issued with it", line: "POST " + revocation_endpoint, pairs: params, status: res.status, bad: !res.ok, answer: body });
}

async function signOut() {
  const { end_session_endpoint } = await discover();
  const params = { id_token_hint: tokens.id_token, post_logout_redirect_uri: issuer + "/dev", state: random() };
  if (!tokens.id_token) { delete params.id_token_hint; params.client_id = clientID; }
  forgetTokens();
  add({ title: "The browser goes to sign out", line: "GET " + end_session_endpoint, pairs: params });
  location.assign(end_session_endpoint + "?" + new URLSearchParams(params));
}

async function call(url, options) {
  const res = await fetch(url, { ...options, credentials: "omit", cache: "no-store" });
  const text = await res.text();
  let body = text;
  try { body = JSON.parse(text); } catch { /* not JSON: shown as it came */ }
  return { res, body };
}

// --- tokens ---------------------------------------------------------------------

const algorithms = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
};

// decode takes a JWT apart and checks it as a client should.
async function decode(name, raw, { nonce, accessToken }) {
  const parts = raw.split(".");
  if (parts.length !== 3) return { name, raw, note: "opaque: only the server can read it" };
  const [header, payload] = parts.slice(0, 2).map((p) => JSON.parse(new TextDecoder().decode(bytes(p))));
  const now = Date.now() / 1000;
  const checks = [
    await signature(parts, header),
    check(payload.iss === issuer, "iss is the issuer", "iss is not the issuer"),
    check(payload.exp > now, `valid for ${duration(payload.exp - now)}`, "expired"),
  ];
  if (name === "ID token") checks.push(check([payload.aud].flat().includes(clientID), "aud is this client", "aud is not this client"));
  if (nonce) checks.push(check(payload.nonce === nonce, "nonce matches the request", "nonce doesn't match the request"));
  if (accessToken && payload.at_hash) {
    const half = (await sha256(accessToken)).slice(0, 16);
    checks.push(check(base64url(half) === payload.at_hash, "at_hash matches the access token", "at_hash doesn't match the access token"));
  }
  return { name, raw, header, payload, checks };
}

async function signature([header, payload, sig], { alg, kid }) {
  const algorithm = algorithms[alg];
  try {
    const { keys } = await (await fetch((await discover()).jwks_uri)).json();
    const jwk = keys.find((k) => k.kid === kid);
    if (!jwk || !algorithm) return check(false, "", `no published key ${kid} for ${alg}`);
    const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
    const ok = await crypto.subtle.verify(algorithm, key, bytes(sig), new TextEncoder().encode(header + "." + payload));
    return check(ok, `signed with ${alg} by the published key ${kid.slice(0, 12)}…`, "the signature is not the published key's");
  } catch (err) {
    return check(false, "", `the signature cannot be verified here: ${err.message}`);
  }
}

const check = (ok, yes, no) => ({ ok: Boolean(ok), text: ok ? yes : no });
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const sha256 = async (text) => new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
const base64url = (b) => btoa(String.fromCharCode(...b)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const bytes = (s) => Uint8Array.from(atob(s.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const duration = (s) => (s < 120 ? `${Math.round(s)} s` : s < 7200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`);

// --- the page -------------------------------------------------------------------

function add(step) {
  steps.push(step);
  memory.set("steps", steps);
  render();
  // The step may be far below, under those of before. Said, and aloud, is what happened,
  // not every token in the list.
  const outcome = step.status ?? (step.bad && step.pairs?.error);
  $("said").className = isBad(step) ? "bad" : "";
  $("said").replaceChildren(step.title + (outcome ? ": " + outcome : "") + ". ", el("a", { href: "#step-" + steps.length }, "See step " + steps.length));
  $("said").scrollIntoView({ block: "nearest" });
}

// el makes an element. Texts become text nodes: nothing that came from anywhere is
// ever read as HTML.
function el(tag, props = {}, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children.filter((c) => c != null));
  return node;
}

function render() {
  $("steps").replaceChildren(...steps.map((s, i) => stepNode(s, i + 1, i === steps.length - 1)));
  $("empty").hidden = steps.length > 0;
  $("clear").hidden = steps.length === 0;
  for (const id of ["userinfo", "revoke", "signout"]) $(id).hidden = !tokens;
  $("refresh").hidden = !tokens?.refresh_token;
}

const isBad = (s) => s.bad || s.checks?.some((c) => !c.ok);

function stepNode(s, number, isLast) {
  const li = el("li", { id: "step-" + number, className: isBad(s) ? "bad" : "" },
    el("h3", {}, s.title),
    el("p", { className: "line" }, s.line, s.status ? el("span", { className: "status" + (s.bad ? " bad" : " good") }, "  → " + s.status) : null),
    s.pairs && pairs(s.pairs),
    s.checks && checkList(s.checks),
  );
  if (s.answer) li.append(s.tokens ? folded("Response", "raw", json(s.answer)) : json(s.answer));
  for (const t of s.tokens ?? []) li.append(tokenNode(t, isLast));
  return li;
}

const pairs = (o) => el("dl", { className: "pairs" }, ...Object.entries(o).map(([k, v]) => el("div", {}, el("dt", {}, k), valueNode(v))));
// A long value scrolls, and what scrolls must be within reach of the keyboard.
const valueNode = (v) => (String(v).length > 80 ? el("dd", { tabIndex: 0 }, v) : el("dd", {}, v));
const checkList = (list) => el("ul", { className: "checks" }, ...list.map((c) => el("li", { className: c.ok ? "" : "bad" }, c.text)));
const folded = (title, note, ...children) => el("details", { className: "token" }, el("summary", {}, title, el("span", {}, note)), ...children);

function tokenNode(t, open) {
  if (!t.header) return folded(t.name, t.note, el("pre", { className: "raw" }, t.raw));
  const node = folded(t.name, `${t.header.alg}, ${t.header.typ ?? "no typ"}`,
    checkList(t.checks),
    el("h4", {}, "Header"), json(t.header), el("h4", {}, "Payload"), json(t.payload),
    el("details", {}, el("summary", {}, el("span", {}, "Raw token")), el("pre", { className: "raw" }, t.raw)));
  node.open = open;
  return node;
}

// json prints a value with its names and values told apart.
function json(value) {
  const pre = el("pre");
  if (typeof value === "string") return el("pre", { className: "raw" }, value);
  for (const line of JSON.stringify(value, null, 2).split("\n")) {
    const [, indent, key, rest] = line.match(/^(\s*)("(?:[^"\\]|\\.)*"(?=: ))?(.*)$/);
    pre.append(indent, key ? el("span", { className: "key" }, key) : "", el("span", { className: "value" }, rest), "\n");
  }
  return pre;
}

function forgetTokens() {
  tokens = null;
  memory.set("tokens", null);
}

// attempt shows what went wrong in a step instead of hiding it in the console.
const attempt = (f) => async (...args) => {
  try { await f(...args); } catch (err) { add({ title: "Something went wrong", line: String(err), bad: true }); }
};

$("request").addEventListener("submit", (e) => {
  e.preventDefault();
  const form = new FormData(e.target);
  memory.set("form", [...form]);
  attempt(authorize)(form);
});
$("userinfo").addEventListener("click", attempt(userinfo));
$("refresh").addEventListener("click", attempt(refresh));
$("revoke").addEventListener("click", attempt(revoke));
$("signout").addEventListener("click", attempt(signOut));
$("clear").addEventListener("click", () => {
  steps.length = 0;
  memory.set("steps", steps);
  forgetTokens();
  $("said").replaceChildren();
  render();
});

for (const text of document.querySelectorAll(".settings code, .copy pre code")) {
  const button = el("button", { type: "button", className: "copier" }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.textContent.trimEnd());
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  (text.closest("pre") ?? text).after(button);
}

// The form as it was left before the trip to the sign-in page.
const left = memory.get("form");
for (const field of left ? $("request").elements : []) {
  if (field.type === "checkbox") field.checked = left.some(([name, value]) => name === field.name && value === field.value);
  else field.value = left.find(([name]) => name === field.name)?.[1] ?? "";
}

render();
if (location.pathname === path + "/dev/callback") {
  const params = new URLSearchParams(location.search);
  history.replaceState(null, "", path + "/dev"); // a reload must not spend the code again
  await attempt(callback)(params);
} else if (new URLSearchParams(location.search).has("state") && steps.length > 0) {
  add({ title: "Signed out and back here", line: "GET " + location.href });
  history.replaceState(null, "", path + "/dev");
}
