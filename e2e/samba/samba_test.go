package samba

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// forever is longer than any test here takes and shorter than go test waits.
const forever = 3 * time.Minute

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), forever)
	t.Cleanup(cancel)
	return ctx
}

// dirSync reads what changed since the cookie as a, and gives the DNs and the new cookie.
func dirSync(t *testing.T, d *DC, a Account, cookie []byte) (dns []string, next []byte) {
	t.Helper()
	c, err := d.ConnectAs(within(t), a)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r, err := c.DirSync(ldap.NewSearchRequest(d.Base(), ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=user)",
		[]string{"name", "isDeleted", "objectGUID", "parentGUID", "telephoneNumber"}, nil), 0, 0, cookie)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range r.Entries {
		dns = append(dns, e.DN)
	}
	control, ok := ldap.FindControl(r.Controls, ldap.ControlTypeDirSync).(*ldap.ControlDirSync)
	if !ok {
		t.Fatal("no DirSync control in the answer")
	}
	return dns, control.Cookie
}

func TestOneController(t *testing.T) {
	t.Parallel()
	d := Run(t, Options{Domain: "contoso.lab", IP: NetHarness.IP(2), Exchange: true})
	ctx := within(t)
	anna, err := d.AddUser(ctx, "", "anna", "Anna's-Secret-1", map[string][]string{"mailNickname": {"anna"}, "msExchMailboxGuid": {strings.Repeat("x", 16)}})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := d.AddService(ctx, "reader", "Reads-only-1", Reader)
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.ConnectAs(ctx, anna)
	if err != nil {
		t.Fatalf("bind as the new user: %v", err)
	}
	_ = c.Close()
	if _, err := d.ConnectAs(ctx, Account{UPN: anna.UPN, Password: "wrong"}); !ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
		t.Errorf("bind with a wrong password: got %v, want code 49", err)
	}

	dns, cookie := dirSync(t, d, reader, nil)
	if !has(dns, anna.DN) {
		t.Errorf("DirSync as the reader: got %v, want %s among them", dns, anna.DN)
	}
	if err := d.Replace(ctx, anna.DN, map[string][]string{"telephoneNumber": {"+1 555 0100"}}); err != nil {
		t.Fatal(err)
	}
	if dns, cookie = dirSync(t, d, reader, cookie); len(dns) != 1 || dns[0] != anna.DN {
		t.Errorf("DirSync after one change: got %v, want only %s", dns, anna.DN)
	}
	guid, err := d.GUID(ctx, anna.DN)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(ctx, anna.DN); err != nil {
		t.Fatal(err)
	}
	if dns, cookie = dirSync(t, d, reader, cookie); len(dns) != 1 || !strings.Contains(dns[0], `\0ADEL:`+guid) {
		t.Errorf("DirSync after the deletion: got %v, want the deleted object: the reader may read CN=Deleted Objects", dns)
	}
	if err := d.Undelete(ctx, guid, anna.DN, map[string][]string{"telephoneNumber": {"+1 555 0101"}}); err != nil {
		t.Fatal(err)
	}
	if back, err := d.GUID(ctx, anna.DN); err != nil || back != guid {
		t.Errorf("undelete: got GUID %s, %v; want %s", back, err, guid)
	}

	began := time.Now()
	if err := d.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("restart %v", time.Since(began).Round(time.Millisecond))
	if dns, _ = dirSync(t, d, reader, cookie); len(dns) != 1 || dns[0] != anna.DN {
		t.Errorf("DirSync after the restart: got %v, want %s", dns, anna.DN)
	}
	keytab := d.path("reader.keytab")
	if err := d.Keytab(ctx, reader, keytab); err != nil {
		t.Error(err)
	} else if out, err := d.Tool(ctx, "kinit", "-c", "FILE:"+d.path("cc"), "-k", "-t", keytab, "reader@"+strings.ToUpper(d.Domain())); err != nil {
		t.Errorf("kinit with the keytab: %v %s", err, out)
	}
	if err := d.AddExchangeSchema(ctx); err != nil {
		t.Errorf("add the Exchange schema again: %v", err)
	}
	began = time.Now()
	dir, pid := d.Dir(), d.proc.pid
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("stop %v", time.Since(began).Round(time.Millisecond))
	gone(t, dir, pid)
}

func has(all []string, one string) bool {
	for _, s := range all {
		if strings.EqualFold(s, one) {
			return true
		}
	}
	return false
}

func gone(t *testing.T, dir string, pid int) {
	t.Helper()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
	if left := session(pid, 0); len(left) > 0 {
		t.Errorf("processes %v of the controller are still there", left)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	d := Run(t, Options{Domain: "fabrikam.lab", IP: NetHarness.IP(3)})
	ctx := within(t)
	search := func(c *ldap.Conn) error {
		_, err := c.Search(ldap.NewSearchRequest(d.Base(), ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"name"}, nil))
		return err
	}
	c, err := d.Connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Freeze(); err != nil {
		t.Fatal(err)
	}
	c.SetTimeout(200 * time.Millisecond)
	if err := search(c); err == nil {
		t.Error("a frozen controller answered")
	}
	if err := d.Thaw(); err != nil {
		t.Fatal(err)
	}
	c.SetTimeout(time.Minute)
	if err := search(c); err != nil {
		t.Errorf("after the thaw on the same connection: %v", err)
	}
	n, err := d.KillWorkers()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("killed %d workers", n)
	if err := search(c); err == nil {
		t.Error("the connection outlived its worker")
	}
	_ = c.Close()
	if err := d.await(ctx); err != nil {
		t.Errorf("after the workers were killed: %v", err)
	}
	if _, err := d.AddUser(ctx, "", "last", "Last-Secret-1", nil); err != nil {
		t.Fatal(err)
	}
	if err := d.Kill(); err != nil {
		t.Fatal(err)
	}
	if d.Running() {
		t.Error("runs after Kill")
	}
	if err := d.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if e, err := d.Get(ctx, "CN=last,CN=Users,"+d.Base()); err != nil || e == nil {
		t.Errorf("what was acknowledged before the crash: got %v, %v", e, err)
	}
}

func TestTwin(t *testing.T) {
	t.Parallel()
	d := Run(t, Options{Domain: "tailspin.lab", IP: NetHarness.IP(4), DNS: true})
	ctx := within(t)
	if _, err := d.AddUser(ctx, "", "both", "Both-Secret-1", nil); err != nil {
		t.Fatal(err)
	}
	n := RunTwin(t, d, NetHarness.IP(5), "dc2")
	dn := "CN=both,CN=Users," + d.Base()
	one, err1 := d.GUID(ctx, dn)
	two, err2 := n.GUID(ctx, dn)
	if err1 != nil || err2 != nil || one != two {
		t.Errorf("objectGUID on both: got %q %v and %q %v, want the same", one, err1, two, err2)
	}
	if a, b := invocation(t, d), invocation(t, n); a == b {
		t.Errorf("invocation ids: both %s, want two", a)
	}
	reader, err := n.AddService(ctx, "reader2", "Reads-only-1", Reader)
	if err != nil {
		t.Fatal(err)
	}
	if dns, _ := dirSync(t, n, reader, nil); !has(dns, dn) {
		t.Errorf("DirSync on the second controller: got %v, want %s among them", dns, dn)
	}
}

func invocation(t *testing.T, d *DC) string {
	t.Helper()
	root, err := d.Get(within(t), "", "dsServiceName")
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.Get(within(t), root.GetAttributeValue("dsServiceName"), "invocationId")
	if err != nil || e == nil {
		t.Fatalf("read the invocation id: %v %v", e, err)
	}
	id, err := DashedGUID(e.GetRawAttributeValue("invocationId"))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestLoad(t *testing.T) {
	t.Parallel()
	const sid, stranger = "S-1-5-21-4000000001-20-30", "S-1-5-21-7-8-9-1200"
	d := Run(t, Options{Domain: "adatum.local", IP: NetHarness.IP(6), SID: sid})
	ctx := within(t)
	ou := "OU=People," + d.Base()
	objects := []Object{{DN: ou, Attrs: map[string][]string{"objectClass": {"organizationalUnit"}}},
		{DN: "CN=Users," + d.Base(), Attrs: map[string][]string{"objectClass": {"container"}}}}
	var links []Link
	const people = 5000
	group := "CN=All," + ou
	for i := range people {
		name := fmt.Sprintf("u%05d", i)
		dn := "CN=" + name + "," + ou
		objects = append(objects, Object{DN: dn, Attrs: map[string][]string{"objectClass": {"user"}, "sAMAccountName": {name},
			"displayName": {"Ünal " + name}, "userAccountControl": {"512"}, "mailNickname": {name}, "objectGUID": {"0123456789abcdef"}}})
		links = append(links, Link{group, "member", dn})
	}
	foreign := "CN=" + stranger + ",CN=ForeignSecurityPrincipals," + d.Base()
	known := Object{DN: "CN=known," + ou, GUID: "0123456789abcdef", SID: sid + "-1104", Attrs: map[string][]string{"objectClass": {"user"},
		"sAMAccountName": {"known"}, "isCriticalSystemObject": {"TRUE"}}}
	links = append(links, Link{group, "member", foreign})
	objects = append(objects, known, Object{DN: foreign, SID: stranger, Attrs: map[string][]string{"objectClass": {"top", "foreignSecurityPrincipal"}}},
		Object{DN: group, Attrs: map[string][]string{"objectClass": {"group"}, "sAMAccountName": {"All"}}},
		Object{DN: `CN=Twice\0ACNF:11111111-2222-3333-4444-555555555555,` + ou, Attrs: map[string][]string{"objectClass": {"contact"}}})
	l, err := d.Load(ctx, objects, links)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d objects and %d links in %v; left out %v", l.Objects, l.Links, l.Took.Round(time.Millisecond), l.Dropped)
	if l.Objects != people+5 || l.Links != people+1 || len(l.Existing) != 1 || l.Dropped["mailNickname"] != people {
		t.Errorf("got %+v", l)
	}
	e, err := d.Get(ctx, group, "member")
	if err != nil || len(e.GetAttributeValues("member")) != people+1 {
		t.Errorf("members: got %d, %v, want %d", len(e.GetAttributeValues("member")), err, people+1)
	}
	if guid, err := d.GUID(ctx, known.DN); err != nil || guid != "33323130-3534-3736-3839-616263646566" {
		t.Errorf("a given objectGUID: got %s, %v", guid, err)
	}
	if e, err := d.Get(ctx, "<SID="+known.SID+">", "cn"); err != nil || e == nil || e.GetAttributeValue("cn") != "known" {
		t.Errorf("a given SID: got %v, %v", e, err)
	}
	if _, err := d.AddUser(ctx, "", "later", "Later-Secret-1", nil); err != nil {
		t.Errorf("a user after the load: %v", err)
	}
	if _, err := d.Load(ctx, []Object{{DN: "CN=x," + ou, Attrs: map[string][]string{"objectClass": {"user"}, "sAMAccountName": {"known"}}}}, nil); err == nil {
		t.Error("a name that is taken: got no error")
	}
	e, err = d.Get(ctx, "CN=u00000,"+ou, "displayName", "userAccountControl")
	if err != nil || e.GetAttributeValue("displayName") != "Ünal u00000" || e.GetAttributeValue("userAccountControl") != "544" {
		t.Errorf("the first person: got %v %v", e, err)
	}
}

// childEnv tells the test binary to be the test that dies.
const childEnv = "CANOPY_SAMBA_CHILD"

// TestDeadTest starts a controller in another process and kills that: the controller must end by itself, and the next
// user of the address must clear away what is left.
func TestDeadTest(t *testing.T) {
	if ip := os.Getenv(childEnv); ip != "" {
		d, err := Start(within(t), Options{Domain: "dead.lab", IP: ip})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("up %s\n", d.Dir())
		<-t.Context().Done()
		return
	}
	t.Parallel()
	Require(t)
	for name, frozen := range map[string]bool{"running": false, "frozen": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ip := NetHarness.IP(7)
			if frozen {
				ip = NetHarness.IP(8)
			}
			left := dieWithController(t, ip, frozen)
			if !frozen {
				waitFor(t, "the controller of a killed test to end", func() bool { return len(session(left.PID, left.Start)) == 0 })
			}
			f, err := takeAddress(within(t), ip)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			gone(t, left.Dir, left.PID)
			if c, err := net.DialTimeout("tcp", ip+":636", time.Second); err == nil {
				_ = c.Close()
				t.Error("something still listens on the address")
			}
		})
	}
}

// dieWithController starts a test process with a controller of its own, kills the test, and gives what it left.
func dieWithController(t *testing.T, ip string, freeze bool) trace {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestDeadTest$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+ip)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := ""
	for buf := make([]byte, 4096); !strings.Contains(said, "\nup ") && !strings.HasPrefix(said, "up "); {
		n, err := out.Read(buf)
		said += string(buf[:n])
		if err != nil {
			t.Fatalf("the other test ended early: %v\n%s", err, said)
		}
	}
	text, err := os.ReadFile(recordPath(ip))
	if err != nil {
		t.Fatal(err)
	}
	var left trace
	if err := json.Unmarshal(text, &left); err != nil {
		t.Fatal(err)
	}
	for _, pid := range session(left.PID, left.Start) {
		if freeze {
			_ = syscall.Kill(pid, syscall.SIGSTOP)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	return left
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ctx := within(t); !ok(); {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}
