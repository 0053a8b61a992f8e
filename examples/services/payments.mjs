import { createHash } from "node:crypto";
import express from "express";
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from "jose";

const issuer = "http://localhost:8080", self = "http://localhost:3000";
const hash = (text) => createHash("sha256").update(text).digest("base64url");
const used = new Map(); // the proofs of the last minutes, each with its end

// Asks Vouchsafe about the token, so that a revoked one is refused at once.
async function introspect(token) {
  const response = await fetch(issuer + "/introspect", {
    method: "POST", body: new URLSearchParams({ token }),
    headers: { Authorization: "Basic " + btoa(`${process.env.API_ID}:${process.env.API_SECRET}`) },
  });
  if (!response.ok) throw new Error(`introspection: ${response.status}`);
  return response.json();
}

// Returns what is wrong with the proof of a request that brings the token, or "".
async function faultOf(req, token, jkt) {
  if (req.headersDistinct.dpop?.length !== 1) return "one proof is needed";
  const { payload, protectedHeader } = await jwtVerify(req.get("DPoP"), EmbeddedJWK, {
    typ: "dpop+jwt", algorithms: ["ES256", "PS256", "EdDSA", "Ed25519"], maxTokenAge: "1m", clockTolerance: 10,
  });
  const { jti, htm, htu, ath } = payload, now = Date.now();
  if ((await calculateJwkThumbprint(protectedHeader.jwk)) !== jkt) return "another key";
  if (htm !== req.method || htu !== self + req.path || ath !== hash(token)) return "another request";
  for (const [id, end] of used) if (end < now) used.delete(id);
  if (typeof jti !== "string" || used.has(jkt + jti)) return "used before";
  used.set(jkt + jti, now + 80_000);
  return "";
}

async function authenticated(req, res, next) {
  const refuse = (error) =>
    res.set("WWW-Authenticate", `DPoP error="${error}", algs="ES256 PS256 EdDSA Ed25519"`).sendStatus(401);
  const token = /^DPoP +(\S+)$/i.exec(req.get("Authorization") ?? "")?.[1];
  if (!token) return refuse("invalid_token");
  const said = await introspect(token);
  const mine = said.active && [said.aud].flat().includes(process.env.API_ID);
  if (!mine || !said.cnf?.jkt) return refuse("invalid_token");
  const fault = await faultOf(req, token, said.cnf.jkt).catch((err) => err.code ?? "unreadable");
  if (fault) return refuse("invalid_dpop_proof");
  req.caller = said;
  next();
}

const app = express();
app.get("/payments", authenticated, (req, res) => res.json({ caller: req.caller.sub }));
app.listen(3000);
