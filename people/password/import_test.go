package password

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
)

// imported are hashes that other products made. The sources: firebase/scrypt's README;
// PHP's manual of crypt and password_verify; phpass's and passlib's test suites; Keycloak's
// stored credentials; RFC 6070, RFC 7914; Django 5.2, passlib 1.7 and the reference
// implementation of Argon2 (argon2-cffi), Werkzeug 3.1 and bcrypt, run on the password; Python's hashlib for
// ASP.NET Identity, Drupal, better-auth and Spring, after their sources.
var imported = []struct{ name, hash, password string }{
	{"bcrypt 2a", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.", ""},
	{"bcrypt 2b, Auth0", "$2b$10$OmzpustoVa2B/vLHNTMFpOn/yJresNBj7eiWbU7Mgkp.lhj5B7zaK", "correct horse"},
	{"bcrypt 2y, PHP", "$2y$12$4Umg0rCJwMswRw/l.SwHvuQV01coP0eWmGzd61QH2RvAOMANUBGC.", "rasmuslerdorf"},
	{"bcrypt 2y, with bits in the salt that nobody uses",
		"$2y$07$usesomesillystringfore2uDLvp1Ii2e./U9C8sBjqp8I90dH6hi", "rasmuslerdorf"},
	{"Django pbkdf2_sha256", "pbkdf2_sha256$1000000$Q6Wbw6SMto9VbREEQhZ4Zq$a0ZZKnBkJPfGZa3BWXKIqnxRSBvTk2ahzYxDp/MsaUQ=",
		"l\u00e8tmein 4 real"},
	{"Django pbkdf2_sha1", "pbkdf2_sha1$1000000$TJNBBm0qsB70scAJX0D222$9X22osjKw/XcJOZ62ISSnFaaTx4=",
		"l\u00e8tmein 4 real"},
	{"Django argon2", "argon2$argon2id$v=19$m=102400,t=2," +
		"p=8$NlU4MFFseWt3R09PMlQ4Z0VLbzlibg$PgD81qT4KOJzpScF/ars84UU3q8psbt3MpqqkdhrARQ", "l\u00e8tmein 4 real"},
	{"Django bcrypt_sha256", "bcrypt_sha256$$2b$12$Dqt61eVOMWAcUBlG6oiOPeeACVLLZe3BnnHxxAwnZJfEyhpj/7O3.",
		"l\u00e8tmein 4 real"},
	{"Django bcrypt", "bcrypt$$2b$12$LuDurFX/PyGIPso6PMlcIOt7p3zAYlQgomHeSTF6nqr1/P6g.siwK", "l\u00e8tmein 4 real"},
	{"Django scrypt", "scrypt$16384$yezruSIMS9fRUzanBvdQ05$8$5$QmnfzonZO/1ZvWqWqIyYZT+eiDnAJnnxRsHm25m857BXM60tezBcW026K0jsD7l8jGEkldsPEmUfASrI+FTC8A==", "l\u00e8tmein 4 real"},
	{"Argon2d, two lanes", "$argon2d$v=19$m=4096,t=3," +
		"p=2$c29tZXNhbHQxMjM0NTY3OA$FbYO5dj8ojHyGXRSEN2viEJrS4TMF2E5/1poXqg7WEs", "l\u00e8tmein 4 real"},
	{"Argon2i, two lanes", "$argon2i$v=19$m=4096,t=3," +
		"p=2$c29tZXNhbHQxMjM0NTY3OA$lk89RXsivDPKJo4igP4y+jv6Y5n25bG+QvmvAY2ZsW0", "l\u00e8tmein 4 real"},
	{"Argon2id, two lanes", "$argon2id$v=19$m=4096,t=3," +
		"p=2$c29tZXNhbHQxMjM0NTY3OA$oGdowEO4UeUaB1WFQSje+UXyYlIuY0jNt38c6RvxAXk", "l\u00e8tmein 4 real"},
	{"Argon2d", "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$JcTui6RIBUtJ78gE5Hi52CO+H5vS6Z9R1uxAB6OhUB8", "password"},
	{"Argon2i", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8", "password"},
	{"Argon2id, padded", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ=$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4=",
		"password"},
	{"passlib pbkdf2-sha256", "$pbkdf2-sha256$29000$CmFM6R3jHGNMSSllbO29Nw$mAfP4HEG701ctmP6wSRAHKVEyuW7AmasasKixVOIkqE",
		"l\u00e8tmein 4 real"},
	{"passlib pbkdf2", "$pbkdf2$1000$LeU853yvlZJSas1ZS.mdUw$dQUo9nfqyYdCZm/O15KTY3RjIxQ", "l\u00e8tmein 4 real"},
	{"passlib pbkdf2-sha512", "$pbkdf2-sha512$1000$AUDovTcG4FxrjXFOyRnj3A$v4tfuKJya3eX1cDQd34J49H2VyRqwTh6bB/7snmdS1pYI9dGJAN9twzsobptYWEDX6hyfcJJ/MsI0PvJXhsCKQ", "l\u00e8tmein 4 real"},
	{"PBKDF2 with SHA-1 (RFC 6070)", "$pbkdf2-sha1$i=4096$c2FsdA$SwB5AbdlSJq+rUnZJvch0GWkKcE", "password"},
	{"passlib scrypt", "$scrypt$ln=10,r=8,p=1$OIfQOgdACKGUcu6dk3JOCQ$z3mrariaLus9mfuienREdAPmAI09wPtknKiMJJyYM1k",
		"l\u00e8tmein 4 real"},
	{"scrypt (RFC 7914)", "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA", "password"},
	{"phpass", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345"},
	{"phpBB", "$H$9PE8jEklgZhgLmZl5.HYJAzfGCQtzi1", "123456"},
	{"Keycloak PBKDF2", `{"type":"password",` +
		`"secretData":"{\"value\":\"ZXVC08Hf4jBOoYzVoNWYjQijsMC2oc/OUa9LciiIJ/1XHPF/qPiY1DqwLLDN2hYFmf/1kApkveD8/Pr7GVqjgw==\",\"salt\":\"Td6XuopYK6JNfUnIlqYMOQ==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":27500,\"algorithm\":\"pbkdf2-sha256\",\"additionalParameters\":{}}"}`, "RdaRfqP7Y89vy2"},
	{"Keycloak PBKDF2, old", `{"type":"password",` +
		`"hashedSaltedValue":"ZXVC08Hf4jBOoYzVoNWYjQijsMC2oc/OUa9LciiIJ/1XHPF/qPiY1DqwLLDN2hYFmf/1kApkveD8/Pr7GVqjgw==",` +
		`"salt":"Td6XuopYK6JNfUnIlqYMOQ==","hashIterations":27500,"algorithm":"pbkdf2-sha256"}`, "RdaRfqP7Y89vy2"},
	{"Keycloak Argon2", `{"type":"password","secretData":"{\"value\":\"xKjWvB9+0sSP6wTqI1JoEI7w+iA0x9VDhPgmrOHRG80=\",` +
		`\"salt\":\"LRScGShC7shkdoU5B1UgUQ==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":5,` +
		`\"algorithm\":\"argon2\",\"additionalParameters\":{\"hashLength\":[\"32\"],\"memory\":[\"7168\"],` +
		`\"type\":[\"id\"],\"version\":[\"1.3\"],\"parallelism\":[\"1\"]}}"}`, "secret"},
	{"Keycloak, data as objects",
		`{"secretData":{"value":"xKjWvB9+0sSP6wTqI1JoEI7w+iA0x9VDhPgmrOHRG80=","salt":"LRScGShC7shkdoU5B1UgUQ"},` +
			`"credentialData":{"hashIterations":5,"algorithm":"argon2","additionalParameters":{"memory":["7168"],` +
			`"type":["id"],"version":["1.3"],"parallelism":["1"]}}}`, "secret"},
	{"crypt, SHA-512",
		"$6$Y92FvK/I1VT3UltZ$zynYQF3PePJbdybsd.lxuSbM6y/XyuW5SKGYpXetGlopJYeyb6L./qFGfhIpWkUNpUQd08rIEWbLJ0PRqWU/r0", "l\u00e8tmein 4 real"},
	{"crypt, SHA-256, with rounds",
		"$5$rounds=20000$0MA5eAcgfnekNzuk$LAqHOyUXMQZZY0voFodwgyAMKPKJ/q2WeweT9mpp8x0", "l\u00e8tmein 4 real"},
	{"crypt of a directory",
		"{CRYPT}$6$Y92FvK/I1VT3UltZ$zynYQF3PePJbdybsd.lxuSbM6y/XyuW5SKGYpXetGlopJYeyb6L./qFGfhIpWkUNpUQd08rIEWbLJ0PRqWU/r0", "l\u00e8tmein 4 real"},
	{"SSHA",
		"{SSHA}KUVgkGMSYDD6Th3ZrF8Q2wjIF3Jp7b23", "l\u00e8tmein 4 real"},
	{"SSHA, small letters",
		"{ssha}KUVgkGMSYDD6Th3ZrF8Q2wjIF3Jp7b23", "l\u00e8tmein 4 real"},
	{"SSHA256",
		"{SSHA256}AK39BNDAjrf0FhSVkMeI0IP8Uqz7OqpwazIAJoIQKgpwDuF8T2mNEQ==", "l\u00e8tmein 4 real"},
	{"SSHA512",
		"{SSHA512}KQYcNsTPOWNGfkAzj9WuQoVzsVXNdMiYJu/niiqD7APte5n/Sva18L21ef0aTaLoaKkoq9dF1DOoBcXA9iw3gNF67x3DWMsZ", "l\u00e8tmein 4 real"},
	{"SHA",
		"{SHA}F4DcYIz+04AbpP15XlPidgHgV6A=", "l\u00e8tmein 4 real"},
	{"SMD5",
		"{SMD5}NocdRxiMi+B2RrTBU7BpljcGoHQ=", "l\u00e8tmein 4 real"},
	{"Argon2i, 1.0",
		"$argon2i$v=16$m=1024,t=3,p=1$c29tZXNhbHQxMjM0NTY3OA$F1yndE1pGPR8kTurg3Lt8gQAIYU7TuqWOZAOoRJ3YAA", "l\u00e8tmein 4 real"},
	{"Argon2i, no version",
		"$argon2i$m=1024,t=3,p=1$c29tZXNhbHQxMjM0NTY3OA$F1yndE1pGPR8kTurg3Lt8gQAIYU7TuqWOZAOoRJ3YAA", "l\u00e8tmein 4 real"},
	{"Argon2d, 1.0, two lanes",
		"$argon2d$v=16$m=1024,t=3,p=2$c29tZXNhbHQxMjM0NTY3OA$Ls4McphQ7Mzz5jubhmzVfXSliPJBckX0dxUjcSEYHCk", "l\u00e8tmein 4 real"},
	{"Argon2id, 1.0, two lanes",
		"$argon2id$v=16$m=1024,t=3,p=2$c29tZXNhbHQxMjM0NTY3OA$mxhBvAOrRWxGVAss+PlSgVZ/NZQDiztRfk6DEKL0WIY", "l\u00e8tmein 4 real"},
	{"Argon2id, parameters in another order",
		"$argon2id$v=19$t=3,m=4096,p=2$c29tZXNhbHQxMjM0NTY3OA$oGdowEO4UeUaB1WFQSje+UXyYlIuY0jNt38c6RvxAXk", "l\u00e8tmein 4 real"},
	{"Nextcloud",
		"3|$argon2id$v=19$m=4096,t=3,p=2$c29tZXNhbHQxMjM0NTY3OA$oGdowEO4UeUaB1WFQSje+UXyYlIuY0jNt38c6RvxAXk", "l\u00e8tmein 4 real"},
	{"Werkzeug scrypt",
		"scrypt:32768:8:1$YbqUNVDPmVTy3RMg$9c35a7c84e2ce374fc0f26f82b28f6284d83431277027661c321e213e4a4ad7a3d9bd64fd9beaed055894a2495d65e99d7b76651663d086ba43c59436aa9ce87", "l\u00e8tmein 4 real"},
	{"Werkzeug PBKDF2",
		"pbkdf2:sha256:600000$SI8bwJDtbWAns6JS$f272d5bb249174fa7091fb22cf7288c97a11b7c7053a1ad7e749f07563875989", "l\u00e8tmein 4 real"},
	{"WordPress 6.8",
		"$wp$2y$10$C8TzDZ4who5nozh9Ly117OmI4OfHrjBTaaELyOZF0b4KtndI4g.Rm", "l\u00e8tmein 4 real"},
	{"ASP.NET Identity 2",
		"AAABAgMEBQYHCAkKCwwNDg8gW3l2fttBCKxOIytfC61vFQ9gny5jzr8ef1L9GBWvUA==", "l\u00e8tmein 4 real"},
	{"ASP.NET Identity 3",
		"AQAAAAIAAYagAAAAEAABAgMEBQYHCAkKCwwNDg9gBNUOCdBh8MynBLhtYQy/dA1Pxl4oJJlFvZV8u49vyA==", "l\u00e8tmein 4 real"},
	{"Spring bcrypt",
		"{bcrypt}$2b$12$LuDurFX/PyGIPso6PMlcIOt7p3zAYlQgomHeSTF6nqr1/P6g.siwK", "l\u00e8tmein 4 real"},
	{"Spring PBKDF2",
		"{pbkdf2@SpringSecurity_v5_8}000102030405060708090a0b0c0d0e0fcdcbc8d9e80f58e2a6ba9dc75d46c870efae3188fff365ffad98897c1af3ea3c", "l\u00e8tmein 4 real"},
	{"Spring scrypt",
		"{scrypt}$e0801$AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCwwNDg8AAQIDBAUGBwgJCgsMDQ4PAAECAwQFBgcICQoLDA0ODw==$I9XxFxYrD0FVgoDJchCJo2E5vE1PkoKynAaep1xxOns=", "l\u00e8tmein 4 real"},
	{"Drupal",
		"$S$DxyzABC127kiZqQJ5z.NLDUHbO0TaPzvAZKIw3Z8mNMbdKMnSTa8", "l\u00e8tmein 4 real"},
	{"Drupal, upgraded",
		"U$S$DxyzABC12uRQPFyGTIprb8TibUdjlt3UJrG.sRiofn9ZcESPADhf", "l\u00e8tmein 4 real"},
	{"WordPress 6.8, quotes", "$wp$2y$10$P50VJMzuK4QCGEVMtgtNfuq/TsEdXBPWGZndznLb3VqDSub1y85V6", `it's "so\`},
	{"better-auth", "0123456789abcdef0123456789abcdef:5aa9b9a78e77b1541a82d262c04d44fa884e59f639cb58aad87775ecfdc6e0a4390556bf977be084f9be47299663311a68c4ea4dacf5c2ce414a6dbbc55052e5",
		"l\u00e8tmein \uff14 real"},
	{"Supabase, from Firebase", "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
		"user1password"},
	{"Keycloak PBKDF2, SHA-1, 64 bytes of key", `{"secretData":{"value":"G3JhoXGPU13leyYNOQgE5TN5nBdsJ/ay+4QeJ37Nus5ztCf+5olap1hJyIS8tK/L0PCG2eUars5z97MOYd3t/g==",` +
		`"salt":"AAECAwQFBgcICQoLDA0ODw=="},"credentialData":{"hashIterations":1300000,"algorithm":"pbkdf2"}}`, "l\u00e8tmein 4 real"},
	{"PBKDF2 with the length of its key", "$pbkdf2-sha1$i=4096,l=20$c2FsdA$SwB5AbdlSJq+rUnZJvch0GWkKcE", "password"},
}

func TestImportedHashesVerifyAndAreOutdated(t *testing.T) {
	t.Parallel()
	h := hasher(t, cheap)
	for _, test := range imported {
		t.Run(test.name, func(t *testing.T) {
			stored, err := Import(test.hash)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if ok, outdated, err := h.Verify(t.Context(), stored, test.password); !ok || !outdated || err != nil {
				t.Errorf("got %v, %v, %v for its password, want true, true", ok, outdated, err)
			}
			took := time.Since(start)
			t.Logf("%v", took.Round(time.Millisecond))
			// What is dear once is not done twice: cheaper hashes of every kind are.
			if wrong := test.password + "x"; took < time.Second {
				if ok, outdated, err := h.Verify(t.Context(), stored, wrong); ok || outdated || err != nil {
					t.Errorf("got %v, %v, %v for %q", ok, outdated, err, wrong)
				}
			}
			if again, err := Import(string(stored)); err != nil || string(again) != string(stored) {
				t.Errorf("what is stored is imported as %q, %v", again, err)
			}
		})
	}
}

func TestFirebase(t *testing.T) {
	t.Parallel()
	b64 := func(s string) []byte {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	const signer = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
	for _, test := range []struct {
		signer, separator, salt, hash, password string
		rounds, mem                             int
	}{
		{signer, "Bw==", "42xEC+ixf3L2lw==",
			"lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==", "user1password", 8, 14},
		{signer, "", "42xEC+ixf3L2lw==",
			"NohHtJ2FmkEqzefZ0IHnOlqTzFN8n6vXXd0EW2OIGuUh4rcwvVh7XVRDVs5yOrueoudRPIoimS6jIwf4pMW3rg==", "user1password", 8, 14},
		{signer, "Bw==", "42xEC+ixf3L2lw==",
			"EQ0tlNdKv5ZBDYN7ofOYlhhTEe5Tu9bueDmtDUhLPM+9dcS1u1ALgMcT6N1+U9GsDlVdd3FE2dmz37fU5Y8A9Q==", "user1password", 4, 10},
		{"YE0dO4bwD4JnJafh6lZZfkp1MtKzuKAXQcDCJNJNyeCHairWHKENOkbh3dzwaCdizzOspwr/FITUVlnOAwPKyw==", "Bw==",
			"sPtDhWcd1MfdAw==", "xbSou7FOl6mChCyzpCPIQ7tku7nsQMTFtyOZSXXd7tjBa4NtimOx7v42Gv2SfzPQu1oxM2/k4SsbOu73wlKe1A==",
			"8x4WjoDbSxJZdR", 8, 14},
	} {
		stored, err := Firebase{b64(test.signer), b64(test.separator), test.rounds,
			test.mem}.Hash(b64(test.hash), b64(test.salt))
		if err != nil {
			t.Fatal(err)
		}
		h := hasher(t, cheap)
		if ok, outdated, err := h.Verify(t.Context(), stored, test.password); !ok || !outdated || err != nil {
			t.Errorf("%s: got %v, %v, %v", test.hash, ok, outdated, err)
		}
		if ok, _, err := h.Verify(t.Context(), stored, "wrong"); ok || err != nil {
			t.Errorf("%s: got %v, %v for a wrong password", test.hash, ok, err)
		}
	}
	for name, f := range map[string]Firebase{
		"too much memory": {b64(signer), nil, 8, 19}, "no key": {nil, nil, 8, 14}, "no rounds": {b64(signer), nil, 0, 14},
		"many rounds": {b64(signer), nil, 1 << 20, 14},
	} {
		if _, err := f.Hash(make([]byte, 64), make([]byte, 10)); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestHostileHashesAreRefusedWithoutWork(t *testing.T) {
	t.Parallel()
	const salt, key = "c2FsdHNhbHRzYWx0", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	long := base64.RawStdEncoding.EncodeToString(make([]byte, 10_000))
	kc := func(secret, data string) string { return `{"secretData":` + secret + `,"credentialData":` + data + `}` }
	secret := `{"value":"` + key + `=","salt":"` + salt + `"}`
	hashes := []string{
		"", " ", "$", "$$$$", "plain", "!unusable", "5f4dcc3b5aa765d61d8327deb882cf99", "{", "{}", `{"type":"otp"}`, "null",
		"[]", "{\"secretData\":1}",
		"$2a$31$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.",
		"$2a$16$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.",
		"$2x$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.",
		"$2a$03$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.",
		"$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s",
		"$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s\n",
		"$2a$-6$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.",
		"$argon2i$v=19$m=4194304,t=1,p=1$" + salt + "$" + key, "$argon2d$v=19$m=65536,t=1000,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=4194304,t=1,p=1$" + salt + "$" + key,
		"$argon2i$v=17$m=4096,t=1,p=1$" + salt + "$" + key, "$argon2i$v=16$m=4194304,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=4096,t=1,p=1,m=8$" + salt + "$" + key, "$argon2id$v=19$m=4096,t=1,keyid=1$" + salt + "$" + key,
		"$argon2d$v=19$m=262144,t=64,p=1$" + salt + "$" + key,
		"$argon2d$v=19$m=8,t=1,p=2$" + salt + "$" + key, "$argon2d$v=19$m=4096,t=1,p=1$" + salt + "$AAAA",
		"$argon2d$v=19$m=4096,t=1,p=0$" + salt + "$" + key,
		"$scrypt$ln=30,r=8,p=1$" + salt + "$" + key, "$scrypt$ln=20,r=64,p=64$" + salt + "$" + key,
		"$scrypt$ln=14,r=8,p=64$" + salt + "$" + key,
		"$scrypt$ln=0,r=8,p=1$" + salt + "$" + key, "$scrypt$ln=14,r=8,p=1$$" + key, "$scrypt$ln=14,r=8,p=1$" + salt + "$",
		"$pbkdf2-sha256$i=999999999$" + salt + "$" + key, "$pbkdf2-sha256$i=0$" + salt + "$" + key,
		"$pbkdf2-md5$i=1$" + salt + "$" + key,
		"$pbkdf2-sha1$i=5000001$" + salt + "$" + key, "$pbkdf2-sha256$i=1000$" + salt + "$" + long,
		"$pbkdf2-sha256$i=1000$" + long + "$" + key, "$pbkdf2-sha256$i=1000$" + salt + "$AAAA",
		"pbkdf2_sha256$99999999999999999999$salt$" + key + "=", "pbkdf2_sha256$1000$$" + key + "=", "pbkdf2_sha256$1000$salt",
		"pbkdf2_md5$1000$salt$" + key + "=",
		"scrypt$16385$salt$8$1$" + key + "=", "scrypt$1048576$salt$64$64$" + key + "=", "scrypt$16384$salt$8",
		"argon2$argon2id$v=19$m=4194304,t=1,p=1$" + salt + "$" + key,
		"bcrypt$$2b$31$LuDurFX/PyGIPso6PMlcIOt7p3zAYlQgomHeSTF6nqr1/P6g.siwK",
		"bcrypt_sha256$$2b$31$LuDurFX/PyGIPso6PMlcIOt7p3zAYlQgomHeSTF6nqr1/P6g.siwK", "bcrypt_sha256$bcrypt_sha256$$2b$04$x",
		"$P$zIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "$P$.IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L",
		"$P$9IQRaTw\nfeRo7ud9Fh4E2PdI0S3r.L0", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L=",
		"$6$rounds=1000001$salt$" + long[:86], "$6$rounds=999$salt$" + long[:86], "$6$" + long[:17] + "$" + long[:86],
		"$6$salt$" + long[:85], "$5$salt$" + long[:86], "$6$rounds=5000$" + long[:86],
		"{SSHA}" + long[:8], "{SHA}" + long[:32], "{SSHA}!", "{SSHA3}" + long[:40], "{noop}secret", "{CRYPT}secret", "{SSHA",
		"$S$X" + long[:51], "$S$D" + long[:50], "US$S$D" + long[:51], "$wp$2y$31$C8TzDZ4who5nozh9Ly117OmI4OfHrjBTaaELyOZF0b4KtndI4g.Rm",
		"$wp$wp$2y$10$C8TzDZ4who5nozh9Ly117OmI4OfHrjBTaaELyOZF0b4KtndI4g.Rm", "AAAA", "AQAAAAIAAYag" + long[:60],
		"AQAAAAIF9eEAAAAAEAABAgMEBQYHCAkKCwwNDg9gBNUOCdBh8MynBLhtYQy/dA1Pxl4oJJlFvZV8u49vyA==",
		"scrypt:1048576:64:64$salt$00", "pbkdf2:sha256:99999999$salt$00", "pbkdf2:md5:1000$salt$00",
		"{scrypt}$ffffff$" + salt + "$" + key, "{pbkdf2}00", "3|3|", "3|plain",
		"$fbscrypt$v=2,n=14,r=8,p=1,ss=Bw==,sk=" + key + "$" + salt + "$" + key,
		"$fbscrypt$v=1,n=30,r=8,p=1,ss=Bw==,sk=" + key + "$" + salt + "$" + key,
		"$firebase-scrypt$ln=30,r=8$" + salt + "$Bw$" + key + "$" + key, "$firebase-scrypt$ln=14,r=8$" + salt + "$Bw$$",
		"$firebase-scrypt$ln=14,r=8$" + salt + "$Bw$" + key + "$AAAAAAAAAAAAAAAAAAAAAA",
		kc(secret, `{"hashIterations":2000000000,"algorithm":"pbkdf2-sha256"}`),
		kc(secret, `{"hashIterations":-5,"algorithm":"pbkdf2-sha256"}`),
		kc(secret, `{"hashIterations":1,"algorithm":"md5-crypt"}`),
		kc(
			secret, `{"hashIterations":5,"algorithm":"argon2","additionalParameters":{"memory":["99999999"],"type":["id"],`+
				`"version":["1.3"],"parallelism":["1"]}}`),
		kc(
			secret, `{"hashIterations":5,"algorithm":"argon2","additionalParameters":{"memory":["7168"],"type":["id"],`+
				`"version":["1.1"],"parallelism":["1"]}}`),
		kc(
			secret, `{"hashIterations":5,"algorithm":"argon2","additionalParameters":{"memory":["-1"],"type":["x$y"],`+
				`"version":["1.3"],"parallelism":["1"]}}`),
		kc(`{"value":"!","salt":"?"}`, `{"hashIterations":5,"algorithm":"pbkdf2-sha256"}`), strings.Repeat("$2a$10$", 1<<18),
		strings.Repeat("3|", 1<<18), strings.Repeat("{crypt}", 1<<18),
	}
	refuse := func() {
		for _, hash := range hashes {
			stored, err := Import(hash)
			if !errors.Is(err, ErrForeign) {
				t.Errorf("%.90q: got %q, %v, want ErrForeign", hash, stored, err)
			}
			if _, err := parseForeign(hash); err == nil {
				t.Errorf("%.90q: would be verified if it were stored", hash)
			}
		}
	}
	// All together are refused sooner than one that asks for little is verified. A busy
	// machine is not busy in the same way four times.
	h, modest := hasher(t, cheap), imported[2] // bcrypt, 12
	var refused, verified time.Duration
	for range 4 {
		start := time.Now()
		refuse()
		refused = time.Since(start)
		start = time.Now()
		if ok, _, err := h.Verify(t.Context(), []byte(modest.hash), modest.password); !ok || err != nil {
			t.Fatalf("%s: got %v, %v", modest.name, ok, err)
		}
		if verified = time.Since(start); refused < verified {
			return
		}
	}
	t.Errorf("it took %v to refuse them, and %v to verify one that is not refused", refused, verified)
}

func TestForeignHashesAreWithinTheBound(t *testing.T) {
	t.Parallel()
	// No work gets through this pool.
	h, err := New(cheap, argon2id.NewPool(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range imported {
		stored, err := Import(test.hash)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.Verify(context.Background(), stored, test.password); !errors.Is(err, argon2id.ErrBusy) {
			t.Errorf("%s: got %v, want ErrBusy", test.name, err)
		}
	}
}

// TestImportedHashesTakeEverySpelling: another product hashed the form that it got, and the
// user's keyboard may send another one by now.
func TestImportedHashesTakeEverySpelling(t *testing.T) {
	t.Parallel()
	// those of h, too: nothing tells its hashes from imported ones
	params := argon2id.Params{Memory: 64, Time: 1, Threads: 1}
	kinds := map[string]func(password string) []byte{
		"scrypt": func(password string) []byte {
			key, err := scryptCost{4, 1, 1}.key(password, []byte("salt"), 32)
			if err != nil {
				t.Fatal(err)
			}
			return []byte(scryptHash{scryptCost{4, 1, 1}, []byte("salt"), key}.String())
		},
		"argon2id": func(password string) []byte {
			stored, err := (&argon2id.Hasher{Params: params}).Hash(t.Context(), password)
			if err != nil {
				t.Fatal(err)
			}
			return []byte(stored)
		},
	}
	h := hasher(t, params)
	const composed, decomposed, mixed = "caf\u00e9 cr\u00e8me", "cafe\u0301 cre\u0300me", "cafe\u0301 cr\u00e8me"
	for kind, stored := range kinds {
		for _, test := range []struct {
			made, typed string
			ok          bool
		}{
			{decomposed, decomposed, true}, {decomposed, composed, true}, {decomposed, mixed, true},
			{composed, decomposed, true}, {composed, composed, true}, {composed, mixed, true}, {mixed, mixed, true},
			{decomposed, "cafe creme", false}, {"cafe creme", composed, false},
		} {
			ok, outdated, err := h.Verify(t.Context(), stored(test.made), test.typed)
			if ok != test.ok || err != nil {
				t.Errorf("%s, %+q for %+q: got %v, %v", kind, test.typed, test.made, ok, err)
			}
			if ok && kind == "argon2id" && outdated != (test.made != composed) {
				t.Errorf("%s of %+q: outdated is %v, but new hashes are of the composed form", kind, test.made, outdated)
			}
		}
	}
}

func FuzzImport(f *testing.F) {
	for _, test := range imported {
		f.Add(test.hash)
	}
	f.Fuzz(func(t *testing.T, text string) {
		stored, err := Import(text)
		if err != nil {
			if !errors.Is(err, ErrForeign) {
				t.Errorf("got %v", err)
			}
			return
		}
		if again, err := Import(string(stored)); err != nil || string(again) != string(stored) {
			t.Errorf("%q is stored as %q, and that as %q, %v", text, stored, again, err)
		}
	})
}

// TestWhyAHashIsRefused: the error names the bound, and never quotes the hash.
func TestWhyAHashIsRefused(t *testing.T) {
	t.Parallel()
	const key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for text, want := range map[string]string{
		"$2a$16$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.": "the cost must be from 4 to 15",
		"pbkdf2_sha256$9000000$salt$" + key + "=":                      "from 1 to 5000000, and is 9000000",
		"$argon2i$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$" + key:           "parameter m must be from 8 to 262144",
		"5f4dcc3b5aa765d61d8327deb882cf99":                             "its kind is unknown",
		"{noop}geheim":                                                 "it is a password and not a hash",
	} {
		_, err := Import(text)
		if !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// TestEveryKindIsDocumented: an operator learns from the page which hashes can be brought along.
func TestEveryKindIsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/password-hashes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range foreignKinds {
		form := map[string]string{
			"$argon2id$v=16$": "versions 19 and 16", "$better-auth$": "better-auth",
			"$firebase-scrypt$": "Firebase", "{": "{SSHA}",
			"$pbkdf2-": "$pbkdf2-sha256$",
		}[kind.prefix]
		if !strings.Contains(string(page), cmp.Or(form, kind.prefix)) {
			t.Errorf("docs/password-hashes.md does not say %s", kind.prefix)
		}
	}
}
