package samba

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Tool runs one of Samba's programs (samba-tool, ldbsearch, ...) on the controller's files and gives what it printed.
func (d *DC) Tool(ctx context.Context, name string, args ...string) ([]byte, error) {
	return d.tool(ctx, nil, name, args...)
}

func (d *DC) tool(ctx context.Context, stdin []byte, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "SMB_CONF_PATH="+d.conf(), "KRB5_CONFIG="+d.Krb5Conf())
	cmd.Stdin = bytes.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(out.String() + "\n" + errs.String())
		if len(said) > 2000 {
			said = "... " + said[len(said)-2000:]
		}
		return out.Bytes(), fmt.Errorf("%s: %w: %s", name, err, said)
	}
	return out.Bytes(), nil
}

// provision makes the domain's databases.
func (d *DC) provision(ctx context.Context) error {
	if err := os.MkdirAll(d.path("etc"), 0o700); err != nil {
		return err
	}
	if err := os.MkdirAll(d.path("log"), 0o700); err != nil {
		return err
	}
	// A file of our own, so that nothing comes from /etc/samba.
	seed := d.path("etc", "seed.conf")
	if err := os.WriteFile(seed, []byte("[global]\n"), 0o600); err != nil {
		return err
	}
	dns := "NONE"
	if d.o.DNS {
		dns = "SAMBA_INTERNAL"
	}
	args := []string{"domain", "provision", "--configfile=" + seed, "--targetdir=" + d.dir, "--server-role=dc",
		"--domain=" + d.o.Netbios, "--realm=" + strings.ToUpper(d.o.Domain), "--host-name=" + d.o.Host, "--host-ip=" + d.o.IP,
		"--adminpass=" + d.o.AdminPassword, "--dns-backend=" + dns, "--base-schema=2012_R2",
		"--next-rid=1000000",  // what is numbered here must not meet what Load gives SIDs
		"--backend-store=mdb", // with tdb each DirSync increment walks the whole partition
		"--option=interfaces=" + d.o.IP + "/8", "--option=bind interfaces only=yes"}
	if d.o.SID != "" {
		args = append(args, "--domain-sid="+d.o.SID)
	}
	cmd := exec.CommandContext(ctx, "samba-tool", args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("provision: %w: %s", err, out)
	}
	if err := os.WriteFile(d.path("log", "provision.log"), out, 0o600); err != nil {
		return err
	}
	if err := d.configure(); err != nil {
		return err
	}
	// Passwords do not age: a test may set the clock.
	_, err = d.tool(ctx, []byte("dn: "+d.Base()+"\nchangetype: modify\nreplace: maxPwdAge\nmaxPwdAge: -9223372036854775808\n-\n"+
		"replace: minPwdAge\nminPwdAge: 0\n-\nreplace: pwdHistoryLength\npwdHistoryLength: 0\n"), "ldbmodify", "-H", d.Sam())
	return err
}

// Sam is the directory's database file, for Tool.
func (d *DC) Sam() string { return d.path("private", "sam.ldb") }

// settle writes the configuration and adds the service principal names without which Kerberos has no ticket for LDAP;
// Samba's own DNS service, which is not started, would do that.
func (d *DC) settle(ctx context.Context) error {
	if err := d.configure(); err != nil {
		return err
	}
	if _, err := d.Tool(ctx, "samba_spnupdate", "-s", d.conf()); err != nil {
		return err
	}
	return nil
}

// configure writes smb.conf, all below the controller's directory, and a krb5.conf for clients.
func (d *DC) configure() error {
	var errs []error
	for _, p := range []string{"etc", "private/tls", "state/sysvol", "cache", "run", "log", "bind-dns"} {
		errs = append(errs, os.MkdirAll(filepath.Join(d.dir, p), 0o755))
	}
	errs = append(errs, os.Chmod(d.path("private"), 0o700))
	extra := ""
	for _, line := range d.o.Settings {
		extra += "\t" + line + "\n"
	}
	conf := strings.NewReplacer("$DIR", d.dir, "$HOST", strings.ToUpper(d.o.Host), "$REALM", strings.ToUpper(d.o.Domain),
		"$NETBIOS", d.o.Netbios, "$IP", d.o.IP, "$EXTRA", extra, "$DOMAIN", d.o.Domain)
	errs = append(errs, os.WriteFile(d.conf(), []byte(conf.Replace(smbConf)), 0o600),
		os.WriteFile(d.Krb5Conf(), []byte(conf.Replace(krb5Conf)), 0o644))
	return errors.Join(errs...)
}

// Strong authentication is relaxed over TLS only: LDAPS with Kerberos is refused otherwise. Nothing is synced to disk
// on commit, since a killed samba loses nothing by it.
const smbConf = `[global]
	netbios name = $HOST
	realm = $REALM
	workgroup = $NETBIOS
	server role = active directory domain controller
	server services = ldap cldap kdc rpc
	interfaces = $IP/8
	bind interfaces only = yes
	private dir = $DIR/private
	state directory = $DIR/state
	cache directory = $DIR/cache
	lock directory = $DIR/run
	pid directory = $DIR/run
	ncalrpc dir = $DIR/run/ncalrpc
	winbindd socket directory = $DIR/run/winbindd
	ntp signd socket directory = $DIR/run/ntp_signd
	binddns dir = $DIR/bind-dns
	log file = $DIR/log/log.samba
	logging = file
	max log size = 5000
	disable netbios = yes
	load printers = no
	dsdb:schema update allowed = yes
	prefork children = 2
	ldap server require strong auth = allow_sasl_over_tls
	ldb:nosync = true
	tls enabled = yes
	tls keyfile = $DIR/private/tls/key.pem
	tls certfile = $DIR/private/tls/cert.pem
	tls cafile = $DIR/private/tls/ca.pem
$EXTRA
[sysvol]
	path = $DIR/state/sysvol
	read only = no

[netlogon]
	path = $DIR/state/sysvol/$DOMAIN/scripts
	read only = no
`

const krb5Conf = `[libdefaults]
	default_realm = $REALM
	dns_lookup_realm = false
	dns_lookup_kdc = false
	rdns = false
	dns_canonicalize_hostname = false
[realms]
	$REALM = {
		kdc = $IP
		admin_server = $IP
		kpasswd_server = $IP
	}
[domain_realm]
	.$DOMAIN = $REALM
	$DOMAIN = $REALM
`
