// Package documents reads the metadata of clients that are named by the URL of it
// (draft-ietf-oauth-client-id-metadata-document).
//
// What a document says becomes an ordinary client of the tenant (storage.Outside tells it apart), so that consents,
// grants and administrators deal with it as with any other, replicas share it, and a host that fails takes no
// connection down. Only the authorization endpoint reads documents; tokens are refreshed without.
//
// Any browser may name any URL. A fetch reaches public addresses only, follows no redirect, is bounded in time and
// size, counted by address and tenant, and made once for all who wait for it. Its errors don't tell what the server
// reached.
package documents
