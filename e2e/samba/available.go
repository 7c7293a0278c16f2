package samba

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Net is one of the loopback nets 127.0.n.0/24. Test packages run at the same time, so each has a net of its own.
type Net uint8

// The nets of the test packages.
const (
	NetE2E     Net = 0 // e2e
	NetHarness Net = 1 // e2e/samba
	NetAD      Net = 2 // ad
	NetRun     Net = 3 // run
	NetLab     Net = 4 // lab
	NetCmd     Net = 5 // cmd/canopy
	NetBench   Net = 6 // measurements
)

// IP is the address of a host in the net; controllers begin at 2.
func (n Net) IP(host uint8) string { return fmt.Sprintf("127.0.%d.%d", n, host) }

// python is the system's own, for which Samba's modules are made; another may come first in the path.
const python = "/usr/bin/python3"

// parts are what is needed, each with the Debian package that has it.
var parts = []struct{ file, pkg string }{
	{"samba", "samba"}, {"samba-tool", "samba-ad-dc"}, {"samba_spnupdate", "samba-ad-dc"},
	{"/usr/share/samba/setup/ad-schema", "samba-ad-provision"},
	{"ldbadd", "ldb-tools"}, {"ldbmodify", "ldb-tools"}, {"ldbsearch", "ldb-tools"}, {python, "python3-minimal"}, {"/usr/lib/python3/dist-packages/samba/samdb.py", "python3-samba"},
	{"ldapsearch", "ldap-utils"}, {"kinit", "krb5-user"}, {"mdb_copy", "lmdb-utils"},
}

// Available names what is missing for domain controllers to be started here; empty: nothing.
func Available() (missing []string) {
	if os.Geteuid() != 0 {
		missing = append(missing, "root (ports below 1024)")
	}
	for _, p := range parts {
		var err error
		if strings.HasPrefix(p.file, "/") {
			_, err = os.Stat(p.file)
		} else {
			_, err = exec.LookPath(p.file)
		}
		if err != nil {
			missing = append(missing, p.file+" (package "+p.pkg+")")
		}
	}
	return missing
}

// Require ends a test that needs domain controllers where they cannot be: it skips and names what is missing, and
// fails with CI=true or CANOPY_REAL=require. With CANOPY_REAL=no it skips everywhere but with CI=true.
func Require(t testing.TB) {
	t.Helper()
	must := os.Getenv("CI") == "true" || os.Getenv("CANOPY_REAL") == "require"
	missing := Available()
	if os.Getenv("CANOPY_REAL") == "no" {
		missing = append(missing, "consent (CANOPY_REAL=no)")
	}
	switch {
	case len(missing) == 0:
	case must:
		t.Fatalf("real domain controllers are required here and cannot be started; missing: %s", strings.Join(missing, ", "))
	default:
		t.Skipf("left out: a real Samba domain controller; missing: %s", strings.Join(missing, ", "))
	}
}
