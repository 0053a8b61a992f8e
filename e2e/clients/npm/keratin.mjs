// Does what the server of an app does, with the library of Keratin AuthN: it reads a token and prints the id of its
// account. With "admin" it also adds an account, and calls every private route that the library knows.
import assert from "node:assert/strict";
import library from "@keratin/authn-node";

const { issuer, audience, token, password, admin } = JSON.parse(process.argv[2]);
const authn = new library.AuthN({ issuer, audiences: [audience], username: "app", password });

console.log(String(await authn.subjectFrom(token)));
if (admin) {
  const { id } = await authn.importAccount({ username: "from-before", password: "weak", locked: true });
  assert.equal(typeof id, "number");
  assert.equal((await authn.account(id)).locked, true);
  await authn.unlockAccount(id);
  await authn.lockAccount(id);
  await authn.updateAccount(id, { username: "renamed" });
  await authn.expirePassword(id);
  assert.equal((await authn.account(id)).username, "renamed");
  await authn.archiveAccount(id);
  assert.equal((await authn.account(id)).deleted, true);
}
