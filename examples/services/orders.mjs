import express from "express";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

const issuer = "http://localhost:8080";
const keys = createRemoteJWKSet(new URL(issuer + "/jwks")); // kept, and loaded again for an unknown kid

async function authenticated(req, res, next) {
  const token = /^Bearer +(\S+)$/i.exec(req.get("Authorization") ?? "")?.[1] ?? "";
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer, audience: "https://orders.example.com", typ: "at+jwt", algorithms: ["ES256"],
      requiredClaims: ["sub", "exp"],
    });
    req.caller = payload;
  } catch (err) {
    if (!(err instanceof errors.JOSEError)) return res.sendStatus(503); // the keys cannot be loaded
    return res.set("WWW-Authenticate", 'Bearer error="invalid_token"').sendStatus(401);
  }
  next();
}

const may = (scope) => (req, res, next) =>
  (req.caller.scope ?? "").split(" ").includes(scope) ? next() : res.sendStatus(403);

const app = express();
app.get("/orders", authenticated, may("orders:read"), (req, res) => res.json({ caller: req.caller.sub }));
app.listen(3000);
