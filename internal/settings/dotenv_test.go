package settings

import (
	"os"
	"strings"
	"testing"
)

// TestDotenvIsReadAsOthersDo has values on which the common readers of such files agree.
func TestDotenvIsReadAsOthersDo(t *testing.T) {
	t.Parallel()
	text := "\ufeff# comment\r\n\r\nA=plain\r\nexport B = spaced out  # comment\n C='single $x \\n # \"' # comment\n" +
		"D=\"double \\\"x\\\" \\$5 \\\\ a\\nb # 'y'\"\nE=\nF=''\nG=\"two\nlines\"\nH.x-y=z\nI=a=b==\nexport=J\nK=#c\n" +
		"L='a\n b' \nM=pass$\nN=http://x/#y"
	want := map[string]string{"A": "plain", "B": "spaced out", "C": `single $x \n # "`,
		"D": "double \"x\" $5 \\ a\nb # 'y'",
		"E": "", "F": "", "G": "two\nlines", "H.x-y": "z", "I": "a=b==", "export": "J", "K": "", "L": "a\n b", "M": "pass$",
		"N": "http://x/#y"}
	p := dotenvParser{rest: strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n"), line: 1}
	for p.next() {
		if p.fault != "" || (p.doubt != "") != (p.name == "N") || p.value != want[p.name] {
			t.Errorf("line %d: %s is %q (%s%s), want %q", p.at, p.name, p.value, p.fault, p.doubt, want[p.name])
		}
		delete(want, p.name)
	}
	if len(want) > 0 || p.line != 18 {
		t.Errorf("at line %d these are missing: %q", p.line, want)
	}
}

// TestDotenvIsForDevelopment: it is read where a server is in development, below the environment and above
// vouchsafe.yaml, and never makes it another kind of server.
func TestDotenvIsForDevelopment(t *testing.T) {
	settled := func(dotenv string, environ ...string) (*Config, error) {
		t.Helper()
		t.Chdir(t.TempDir())
		write(t, ".env", dotenv)
		write(t, "vouchsafe.yaml", "log_format: text\nlog_level: error\n")
		return Load(nil, "", environ)
	}
	const level = "VOUCHSAFE_LOG_LEVEL=debug\n"
	c, err := settled(level+"PATH=/evil\nOTHER=${x}\n", "VOUCHSAFE_ARGON2_LANES=2")
	if err != nil || c.LogLevel != "debug" || c.LogFormat != "text" || c.Argon2Lanes != 2 || os.Getenv("PATH") == "/evil" {
		t.Errorf("got %+v, %v", c, err)
	}
	for _, real := range []string{"VOUCHSAFE_LOG_LEVEL=warn", "VOUCHSAFE_LOG_LEVEL="} {
		if c, err := settled(level, real); err != nil || c.LogLevel == "debug" {
			t.Errorf("%s: got %s, %v", real, c.LogLevel, err)
		}
	}
	file := t.TempDir() + "/secret"
	write(t, file, goodSecret)
	c, err = settled("VOUCHSAFE_SECRET=another-secret-another-secret-another\n", "VOUCHSAFE_SECRET_FILE="+file)
	if err != nil || string(c.Secret) != goodSecret {
		t.Errorf("a file of the environment: %v", err)
	}
	production := []string{"VOUCHSAFE_DATABASE_URL=postgres://db/x", "VOUCHSAFE_ISSUER=https://id.example.com",
		"VOUCHSAFE_SECRET=" + goodSecret}
	for name, environ := range map[string][]string{
		"production":  append(production, "VOUCHSAFE_DEVELOPMENT=true")[:3],
		"not at home": {"VOUCHSAFE_LISTEN=:8080", "VOUCHSAFE_ISSUER=https://id.example.com"},
		"switched":    {"VOUCHSAFE_DEVELOPMENT=false"},
	} {
		if c, _ := settled(level+"is no variable\n", environ...); c.LogLevel == "debug" {
			t.Errorf("%s: the file is read", name)
		}
	}
	if c, err := settled("this is 'no file\n", production...); err != nil && strings.Contains(err.Error(), ".env") {
		t.Errorf("production, and a file that cannot be read: got %v, %v", c, err)
	}
	for _, text := range []string{"VOUCHSAFE_DATABASE_URL=postgres://db/x\n", "VOUCHSAFE_DEVELOPMENT=false\n",
		"VOUCHSAFE_LISTEN=:8080\n", "VOUCHSAFE_ISSUER=https://id.example.com\n",
		"VOUCHSAFE_KERATIN=default\nDATABASE_URL=postgres://db/x\n"} {
		if _, err := settled(text); err == nil || !strings.Contains(err.Error(), ".env makes this a server that is not") {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if c, err := settled("VOUCHSAFE_LISTEN=:8080\nVOUCHSAFE_DEVELOPMENT=true\n"); err != nil || c.Listen != ":8080" {
		t.Errorf("development by name: got %v", err)
	}
	t.Chdir(t.TempDir())
	if err := os.Mkdir(".env", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(nil, "", nil); err != nil {
		t.Errorf("a folder of that name: %v", err)
	}
}

// TestDotenvFaultsHaveTheirLine, and quote nothing of the file, as godotenv does (its issue 150). What dotenv (568,
// 601) and godotenv (155) read otherwise than others is among them: # in a value, and $.
func TestDotenvFaultsHaveTheirLine(t *testing.T) {
	for text, want := range map[string]string{
		"A=b\nVOUCHSAFE_LOGLEVEL=debug":                     ".env:2: VOUCHSAFE_LOGLEVEL is not a setting: did you mean",
		"A='x\ny'\nVOUCHSAFE_LOG_LEVEL=hunter2x":            ".env:3: VOUCHSAFE_LOG_LEVEL",
		"\nhunter2":                                         ".env:2:1 is no variable",
		"A: hunter2":                                        ".env:1:1 is no variable",
		"=hunter2":                                          ".env:1:1 is no variable",
		"# x\nVOUCHSAFE_SECRET='hunter2\n\n":                ".env:2:1 has quotes that don't end",
		"VOUCHSAFE_SECRET=\"hunter2\\":                      ".env:1:1 has quotes that don't end",
		"VOUCHSAFE_SECRET='hunter2'hunter2":                 ".env:1:1 goes on after the quotes",
		"VOUCHSAFE_SECRET=`hunter2`":                        ".env:1:1 begins with a backquote",
		"VOUCHSAFE_SECRET=hunter2\x00":                      ".env:1:1 has a NUL byte",
		"VOUCHSAFE_SECRET=hunter2$hunter2":                  ".env:1:1 VOUCHSAFE_SECRET: some programs put a variable",
		"VOUCHSAFE_SECRET=\"hunter2${A}\"":                  ".env:1:1 VOUCHSAFE_SECRET: some programs put a variable",
		"VOUCHSAFE_SECRET=hunter2#hunter2":                  ".env:1:1 VOUCHSAFE_SECRET: programs disagree on what follows #",
		"VOUCHSAFE_SECRET=hunter2'x'":                       ".env:1:1 VOUCHSAFE_SECRET: programs disagree on quotes",
		"VOUCHSAFE_SECRET=\"\\hunter2\"":                    ".env:1:1 VOUCHSAFE_SECRET: programs disagree on a backslash",
		"VOUCHSAFE_DATA=a\nVOUCHSAFE_DATA=hunter2":          ".env:2:1 VOUCHSAFE_DATA is set in line 1 already",
		"VOUCHSAFE_SECRET_FILE=x\nVOUCHSAFE_SECRET=hunter2": "are both set",
		strings.Repeat("# x\n", 1<<19):                      ".env cannot be read: it is longer",
	} {
		t.Chdir(t.TempDir())
		write(t, ".env", text)
		_, err := Load(nil, "", nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %v, want %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") && !strings.Contains(text, "hunter2x") {
			t.Errorf("%.60q: the error tells what may be a secret: %v", text, err)
		}
	}
}

// FuzzDotenv: what is written in single quotes is read as it is, whatever stands before it; and no file is read for
// ever, or to lines that it doesn't have.
func FuzzDotenv(f *testing.F) {
	f.Add("A=b\nexport C='d'\n", "x")
	f.Add("A=\"b\\\nc\" # d\n", "$x #y\n")
	f.Fuzz(func(t *testing.T, before, value string) {
		p := dotenvParser{rest: before + "\nLAST='" + value + "'", line: 1}
		n, last := 0, ""
		for p.next() && p.fault == "" {
			if n++; n > len(before)+2 || p.line > strings.Count(before+value, "\n")+2 {
				t.Fatalf("%q: no end, or line %d", before, p.line)
			}
			last = p.name
		}
		if p.fault == "" && last == "LAST" && !strings.ContainsAny(value, "'\x00") && p.value != value {
			t.Errorf("%q in single quotes is %q", value, p.value)
		}
	})
}
