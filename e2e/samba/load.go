package samba

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Loaded tells what Load did.
type Loaded struct {
	Objects, Links int
	Existing       []string       // DNs that were there already and stayed as they were
	Dropped        map[string]int // attributes that were left out, with the number of objects: unknown to the schema, or the directory's own
	Took           time.Duration
}

// Load adds objects, parents first, and then links to the controller's files, in one transaction each and some ten times
// faster than over LDAP; the controller may run. Attributes that the schema does not know or that only the directory sets
// are left out. Accounts without a password are marked as not needing one.
func (d *DC) Load(ctx context.Context, objects []Object, links []Link) (Loaded, error) {
	began := time.Now()
	l := Loaded{Dropped: map[string]int{}}
	settable, err := d.settable(ctx)
	if err != nil {
		return l, err
	}
	there, err := d.existing(ctx)
	if err != nil {
		return l, err
	}
	var fresh, foreign []Object
	for _, o := range objects {
		switch f := fit(o, settable, l.Dropped); {
		case there[strings.ToLower(o.DN)]:
			l.Existing = append(l.Existing, o.DN)
		case slices.Contains(o.Attrs["objectClass"], "foreignSecurityPrincipal"):
			foreign = append(foreign, f)
		default:
			fresh = append(fresh, f)
		}
	}
	var kept []Link
	for _, k := range links {
		if settable[strings.ToLower(k.Attr)] {
			kept = append(kept, k)
		} else {
			l.Dropped[k.Attr]++
		}
	}
	if err := d.bulk(ctx, "ldbadd", LDIF(fresh)); err != nil {
		return l, fmt.Errorf("add %d objects to %s: %w", len(fresh), d.o.Domain, err)
	}
	if err := d.bulk(ctx, "ldbadd", LDIF(foreign), "--controls=provision:0"); err != nil { // as if the domain were just made
		return l, fmt.Errorf("add %d foreign security principals to %s: %w", len(foreign), d.o.Domain, err)
	}
	if err := d.bulk(ctx, "ldbmodify", LinkLDIF(kept)); err != nil {
		return l, fmt.Errorf("add %d links to %s: %w", len(kept), d.o.Domain, err)
	}
	l.Objects, l.Links, l.Took = len(fresh)+len(foreign), len(kept), time.Since(began)
	return l, nil
}

// bulk runs a program on a file; from standard input it would commit each record by itself.
func (d *DC) bulk(ctx context.Context, program string, ldif []byte, more ...string) error {
	wanted := bytes.Count(ldif, []byte("\n\n"))
	if wanted == 0 {
		return nil
	}
	f, err := os.CreateTemp(d.dir, "load-*.ldif")
	if err != nil {
		return err
	}
	_, err = f.Write(ldif)
	if err = errors.Join(err, f.Close()); err == nil {
		// relax lets in what only a directory makes itself: anchors, conflict objects, critical ones
		args := append([]string{"--nosync", "--relax", "-o", "batch_mode:1", "-o", "transaction_index_cache_size:200000", "-H", d.Sam()}, more...)
		var out []byte
		out, err = d.Tool(ctx, program, append(args, f.Name())...)
		// A record that is refused ends the program, but does not always make it fail.
		if said := strings.TrimSpace(string(out)); err == nil && !strings.Contains(said, fmt.Sprintf(" %d records successfully", wanted)) {
			err = fmt.Errorf("%s: of %d records: %s", program, wanted, said)
		}
	}
	return errors.Join(err, os.Remove(f.Name()))
}

// own are the attributes that a directory sets itself though its schema lets others write them.
var own = []string{"objectguid", "objectsid", "objectcategory", "distinguishedname", "name", "cn", "ou", "dc", "instancetype", "primarygroupid",
	"samaccounttype", "pwdlastset", "badpwdcount", "badpasswordtime", "logoncount", "lastlogon", "lastlogontimestamp", "lastlogoff",
	"whencreated", "whenchanged", "usncreated", "usnchanged", "memberof", "dscorepropagationdata", "parentguid"}

// settable reads from the schema which attributes may be given, in lower case.
func (d *DC) settable(ctx context.Context) (map[string]bool, error) {
	out, err := d.Tool(ctx, "ldbsearch", "-H", d.Sam(), "-b", "CN=Schema,CN=Configuration,"+d.Base(),
		"(objectClass=attributeSchema)", "lDAPDisplayName", "linkID", "systemFlags")
	if err != nil {
		return nil, fmt.Errorf("read the schema of %s: %w", d.o.Domain, err)
	}
	all := map[string]bool{}
	for _, r := range records(out) {
		link, _ := strconv.Atoi(r["linkid"])
		flags, _ := strconv.Atoi(r["systemflags"])
		if name := strings.ToLower(r["ldapdisplayname"]); name != "" && link%2 == 0 && flags&4 == 0 {
			all[name] = true // neither a back link nor constructed
		}
	}
	for _, name := range own {
		delete(all, name)
	}
	return all, nil
}

// existing reads the DNs of the domain, in lower case.
func (d *DC) existing(ctx context.Context) (map[string]bool, error) {
	out, err := d.Tool(ctx, "ldbsearch", "-H", d.Sam(), "-b", d.Base(), "(objectClass=*)", "dn")
	if err != nil {
		return nil, fmt.Errorf("read the objects of %s: %w", d.o.Domain, err)
	}
	all := map[string]bool{}
	for _, r := range records(out) {
		all[strings.ToLower(r["dn"])] = true
	}
	return all, nil
}

// fit gives a copy of o with the settable attributes only.
func fit(o Object, settable map[string]bool, dropped map[string]int) Object {
	n := Object{DN: o.DN, Attrs: map[string][]string{}}
	if o.GUID != "" {
		n.Attrs["objectGUID"] = []string{o.GUID}
	}
	if o.SID != "" {
		n.Attrs["objectSid"] = []string{o.SID}
	}
	password := false
	for name, values := range o.Attrs {
		if len(values) == 0 {
			continue
		}
		if !settable[strings.ToLower(name)] {
			dropped[name]++
			continue
		}
		password = password || strings.EqualFold(name, "unicodePwd")
		n.Attrs[name] = slices.Clone(values)
	}
	for name, values := range n.Attrs {
		if uac, err := strconv.Atoi(values[0]); err == nil && strings.EqualFold(name, "userAccountControl") && !password {
			n.Attrs[name] = []string{strconv.Itoa(uac | 0x20)}
		}
	}
	return n
}

// records parses LDIF as ldbsearch prints it; of several values the last stays. Names come in lower case.
func records(ldif []byte) (all []map[string]string) {
	text := strings.ReplaceAll(string(ldif), "\n ", "")
	for _, block := range strings.Split(text, "\n\n") {
		r := map[string]string{}
		for line := range strings.Lines(block) {
			name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
			if !ok || strings.HasPrefix(line, "#") {
				continue
			}
			if b64, ok := strings.CutPrefix(value, ":"); ok {
				raw, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(b64))
				value = string(raw)
			}
			r[strings.ToLower(name)] = strings.TrimPrefix(value, " ")
		}
		if len(r) > 0 {
			all = append(all, r)
		}
	}
	return all
}
