// Package address reads e-mail addresses. It alone makes of what was typed the key by which
// accounts are told apart, the recipient that a mail server is given, and the address that is
// stored and that clients are told.
//
// All of them come from one reading, so that they cannot differ: what proves an address is a
// mail to the very recipient that the key is made of. Two rules follow from that, and a test
// walks Unicode's tables to hold them:
//
//   - Two addresses share a key only if every mail server that follows IDNA 2008 takes their
//     domains for one. A domain is mapped by UTS 46, non-transitional, and by nothing else:
//     faß.example and fass.example are two domains.
//   - A person may claim only what a mail server delivers as it stands. Local parts that a
//     server may route elsewhere or decode are refused, for who reads the code that is sent to
//     x%evil.example@company.example is not of company.example.
//
// An Address is anything that accounts were ever found or written to by. A Claimed is an
// address that may become an account's, and only Claim makes one.
package address
