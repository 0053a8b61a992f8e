// A program that uses the management API with the types that openapi-typescript makes of its OpenAPI document. It is
// type-checked, and then run: node management.js ISSUER TOKEN.
import type { components, paths } from "./openapi";

type Schemas = components["schemas"];
type Verb = "get" | "put" | "post" | "patch" | "delete";
type Sent<O> = O extends { requestBody: { content: infer C } } ? C[keyof C] : undefined;
type Json<R> = R extends { content: { "application/json": infer J } } ? J : undefined;
type Good<O> = O extends { responses: infer R } ? Json<R[Extract<keyof R, 200 | 201 | 204>]> : never;
type Of<P extends keyof paths, V extends Verb> = paths[P][V];

const [issuer, token] = process.argv.slice(2);

// Refused is an answer that is a problem (RFC 9457).
class Refused extends Error {
  constructor(readonly problem: Schemas["Problem"], readonly etag: string | null) {
    super(`${problem.status} ${problem.code}`);
  }
}

// call carries an operation out, and returns what it answers.
async function call<P extends keyof paths, V extends Verb>(
  verb: V, path: P, values: Record<string, string>, body: Sent<Of<P, V>>, headers: Record<string, string> = {},
): Promise<{ body: Good<Of<P, V>>; etag: string; status: number }> {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name]!));
  const query = values.query ? `?${values.query}` : "";
  const type = verb === "patch" ? "application/merge-patch+json" : "application/json";
  const answer = await fetch(issuer + filled + query, {
    method: verb.toUpperCase(),
    headers: { Authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "Content-Type": type }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const read = text === "" ? undefined : JSON.parse(text);
  if (!answer.ok) throw new Refused(read as Schemas["Problem"], answer.headers.get("ETag"));
  return { body: read, etag: answer.headers.get("ETag") ?? "", status: answer.status };
}

// refusal returns the problem that a call is answered with.
async function refusal(promise: Promise<unknown>): Promise<Refused> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
  throw new Error("want a problem, got success");
}

function same<T>(what: string, got: T, want: T) {
  if (got !== want) throw new Error(`${what}: got ${got}, want ${want}`);
}

const made = await call("post", "/api/v1/users", {}, { email: "kim@example.com", email_verified: true });
const user: Schemas["User"] = made.body as Schemas["User"];
same("the address", user.email, "kim@example.com");
same("the second factor", user.status.second_factor, false);

const at = { user: user.id! };
const read = await call("get", "/api/v1/users/{user}", at, undefined);
same("what was added", read.body.email, "kim@example.com");
await call("patch", "/api/v1/users/{user}", at, { username: "kim", phone_number: null }, { "If-Match": read.etag });
const stale = await refusal(
  call("patch", "/api/v1/users/{user}", at, { username: "late" }, { "If-Match": read.etag }));
same("a stale ETag", stale.message, "412 precondition_failed");
same("the current ETag is told", stale.etag !== null && stale.etag !== read.etag, true);

const wrong = await refusal(call("post", "/api/v1/users", {}, { email: "nonsense", roles: ["\u0000"] }));
same("the pointer of a fault", wrong.problem.errors?.some((fault) => fault.pointer === "/roles/0"), true);

const preview = await call("delete", "/api/v1/users/{user}", { ...at, query: "dry_run=true" }, undefined);
same("a dry run", preview.status, 200);

let pages = 0;
for (let query = "limit=1"; query !== ""; pages++) {
  const page = await call("get", "/api/v1/users", { query }, undefined);
  const items: Schemas["User"][] = page.body.items;
  same("a page of one", items.length, 1);
  query = page.body.next ? `limit=1&after=${encodeURIComponent(page.body.next)}` : "";
}
same("more than one page", pages > 1, true);
same("a removal", (await call("delete", "/api/v1/users/{user}", at, undefined)).status, 204);
console.log("All is well.");

// What the types refuse. It is compiled only.
export async function mistakes() {
  // @ts-expect-error there is no such path
  await call("get", "/api/v1/persons", {}, undefined);
  // @ts-expect-error there is no such member
  await call("post", "/api/v1/users", {}, { emial: "x" });
  // @ts-expect-error the type is another
  await call("post", "/api/v1/users", {}, { email_verified: "true" });
  // @ts-expect-error null is a value of patches alone
  await call("post", "/api/v1/users", {}, { email: null });
  // @ts-expect-error there is no such role of administrators
  await call("put", "/api/v1/administrators/{user}", at, { role: "root" });
  // @ts-expect-error a member is missing
  await call("put", "/api/v1/administrators/{user}", at, {});
  // @ts-expect-error answers have no such member
  (await call("get", "/api/v1/users/{user}", at, undefined)).body.password;
}
