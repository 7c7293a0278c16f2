package samba

import (
	"errors"
	"os/exec"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLDIF(t *testing.T) {
	t.Parallel()
	got := string(LDIF([]Object{{DN: "CN=a,DC=x", Attrs: map[string][]string{"b": {" lead", "ü", "two\nlines"}, "a": {"plain", "", "tail "}}}})) +
		string(LinkLDIF([]Link{{"CN=g,DC=x", "member", "CN=a,DC=x"}, {"CN=a,DC=x", "manager", "CN=ö,DC=x"}, {"CN=g,DC=x", "member", "CN=b,DC=x"}}))
	want := "dn: CN=a,DC=x\na: plain\na: \na:: dGFpbCA=\nb:: IGxlYWQ=\nb:: w7w=\nb:: dHdvCmxpbmVz\n\n" +
		"dn: CN=g,DC=x\nchangetype: modify\nadd: member\nmember: CN=a,DC=x\nmember: CN=b,DC=x\n-\n\n" +
		"dn: CN=a,DC=x\nchangetype: modify\nadd: manager\nmanager:: Q049w7YsREM9eA==\n-\n\n"
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestSchemaPhases(t *testing.T) {
	t.Parallel()
	text := "# head\n#-- attributes\ndn: CN=A\nlDAPDisplayName: aA\nx: 1\n\ndn: CN=B\nlDAPDisplayName: bB\n\n#-- modify\ndn: CN=User\nadd: mayContain\nmayContain: aA\n"
	got := schemaPhases(text, map[string]bool{"aa": true})
	want := []string{"dn: CN=B\nlDAPDisplayName: bB\n", "dn: CN=User\nadd: mayContain\nmayContain: aA\n"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if got := schemaPhases(text, map[string]bool{"aa": true, "bb": true}); got != nil {
		t.Errorf("with everything there: got %q, want nothing", got)
	}
}

// A process that began its own session is asked: the session of the test itself may be one that this namespace cannot name.
func TestStatOf(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "cat")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	start, sid, err := statOf(pid)
	if err != nil || start == 0 || sid != pid {
		t.Errorf("got start %d, session %d, %v; want session %d", start, sid, err, pid)
	}
	if got, want := session(pid, start), []int{pid}; !slices.Equal(got, want) {
		t.Errorf("its session: got %v, want %v", got, want)
	}
	if got := session(pid, start+1); got != nil {
		t.Errorf("a process with another start: got %v, want none", got)
	}
	if err := errors.Join(stdin.Close(), cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	if got := session(pid, start); got != nil {
		t.Errorf("a process that ended: got %v, want none", got)
	}
}

func TestDashedGUID(t *testing.T) {
	t.Parallel()
	got, err := DashedGUID([]byte{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff})
	if want := "00112233-4455-6677-8899-aabbccddeeff"; got != want || err != nil {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	if _, err := DashedGUID(nil); err == nil {
		t.Error("no bytes: got no error")
	}
}
