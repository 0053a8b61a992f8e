// Package address reads e-mail addresses. From what was typed it makes the key by which accounts
// are told apart, the recipient that a mail server gets, and the address that is stored and that
// clients get. No other package does that.
//
// All three come from one reading, so that they cannot differ: what proves an address is a mail to
// the same recipient that the key is made from. Two rules follow, and a test goes through the
// tables of Unicode to check them:
//
//   - Two addresses have the same key only if every mail server that follows IDNA 2008 takes their
//     domains to be the same. A domain is mapped by UTS 46, non-transitional, and by nothing else:
//     faß.example and fass.example are two domains.
//   - A user may claim only an address that mail servers deliver to as it is written. A local part
//     that a server may route elsewhere or decode is refused: the user who reads the code that is
//     sent to x%evil.example@company.example may be outside of company.example.
//
// An Address is any address by which accounts were ever found or written to. A Claimed is an
// address that may become an account's, and only Claim makes one.
package address
