package argon2id

// Params are the costs of a hash, with the names of RFC 9106.
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes over the memory
	Threads uint8
}
