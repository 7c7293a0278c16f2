package run

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/forest"
)

// block is a line with the indented lines that belong to it.
type block struct {
	line string
	body []string
}

// blocks cuts a text; empty lines and those that begin with # say nothing.
func blocks(text string) []block {
	var all []block
	for _, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
		case (line[0] == ' ' || line[0] == '\t') && len(all) > 0:
			last := &all[len(all)-1]
			last.body = append(last.body, trimmed)
		default:
			all = append(all, block{line: trimmed})
		}
	}
	return spread(all)
}

var span = regexp.MustCompile(`\{(\d+)\.\.(\d+)\}`)

// spread makes many of what has a span: a line with {1..9} becomes nine blocks, in whose bodies {n} is the number; a body's
// line with one becomes nine lines.
func spread(list []block) []block {
	var all []block
	for _, b := range list {
		lines := each(b.line)
		for i, line := range lines {
			c := block{line: line}
			for _, text := range b.body {
				if len(lines) > 1 {
					text = strings.ReplaceAll(text, "{n}", strconv.Itoa(i+1))
				}
				c.body = append(c.body, each(text)...)
			}
			all = append(all, c)
		}
	}
	return all
}

// each is a text once for each number of its span; the text alone when it has none.
func each(text string) []string {
	hit := span.FindStringSubmatch(text)
	if hit == nil {
		return []string{text}
	}
	from, _ := strconv.Atoi(hit[1])
	to, _ := strconv.Atoi(hit[2])
	var all []string
	for n := from; n <= to; n++ {
		all = append(all, strings.Replace(text, hit[0], strconv.Itoa(n), 1))
	}
	return all
}

// value is one line of a block's body: "attr: value", "attr +: value", "attr -: value", or "attr -" to clear.
type value struct{ attr, op, text string }

func (b *block) values() []value {
	var all []value
	for _, line := range b.body {
		name, text, given := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		v := value{attr: name, text: strings.TrimSpace(text)}
		if base, ok := strings.CutSuffix(name, " +"); ok {
			v.attr, v.op = strings.TrimSpace(base), "add"
		} else if base, ok := strings.CutSuffix(name, " -"); ok {
			v.attr, v.op = strings.TrimSpace(base), "delete"
			if !given {
				v.op = "clear"
			}
		}
		all = append(all, v)
	}
	return all
}

// links are the attributes whose values are DNs, as the scenarios use them.
var links = []string{"member", "manager", "managedBy", "assistant", "authOrig", "unauthOrig", "dLMemSubmitPerms", "dLMemRejectPerms", "publicDelegates",
	"altRecipient", "msExchCoManagedByLink", "msExchModeratedByLink", "msExchBypassModerationLink", "msExchDelegateListLink", "msExchTeamMailboxOwners"}

// dn completes a DN that is given below the domain.
func (f *land) dn(text string) string {
	text = strings.ReplaceAll(text, `\n`, `\0A`)
	switch {
	case text == "":
		return f.server.Base()
	case strings.HasSuffix(canopy.Fold(text), canopy.Fold(f.server.Base())), strings.HasPrefix(text, "<"):
		return text
	}
	return text + "," + f.server.Base()
}

// fill makes the objects of a listing, and then their links.
func (w *world) fill(f *land, list []block) {
	var later []block
	for _, b := range list {
		linked := block{line: b.line}
		b.body = slices.DeleteFunc(slices.Clone(b.body), func(line string) bool {
			name, _, _ := strings.Cut(line, ":")
			isLink := slices.Contains(links, strings.TrimSpace(name))
			if isLink {
				linked.body = append(linked.body, line)
			}
			return isLink
		})
		w.make(f, &b)
		if len(linked.body) > 0 {
			later = append(later, linked)
		}
	}
	for _, b := range later {
		_, dn, _ := strings.Cut(b.line, " ")
		w.modify(f, dn, &b)
	}
}

// make makes one object: a line "class DN" with its values. What every object of the class has is given when left out.
func (w *world) make(f *land, b *block) {
	class, name, _ := strings.Cut(b.line, " ")
	dn := f.dn(strings.TrimSpace(name))
	attrs := map[string][]string{}
	var kind, mail string
	for _, v := range b.values() {
		switch v.attr {
		case "mailbox", "mailuser", "mailcontact":
			kind, mail = v.attr, v.text
		default:
			attrs[v.attr] = append(attrs[v.attr], f.octets(v.attr, v.text))
		}
	}
	if kind != "" {
		mailEnable(attrs, kind, mail)
	}
	f.usual(class, relative(dn), attrs)
	if err := f.server.Add(dn, attrs); err != nil {
		w.failf("%v", err)
	}
	guid := canopy.Anchor(attrs["objectGUID"][0])
	f.made[guid] = f.fresh(relative(dn))
	f.where[canopy.Fold(dn)] = guid
}

// fresh is a name that no other object of the forest has in what is printed.
func (f *land) fresh(name string) string {
	taken := slices.Collect(maps.Values(f.made))
	for n, try := 2, name; ; n++ {
		if !slices.Contains(taken, try) {
			return try
		}
		try = fmt.Sprintf("%s %d", name, n)
	}
}

// relative is the value of a DN's first part.
func relative(dn string) string {
	first, _, _ := strings.Cut(strings.ReplaceAll(dn, `\,`, "\x00"), ",")
	_, name, _ := strings.Cut(first, "=")
	return strings.NewReplacer("\x00", ",", `\0A`, "\n").Replace(name)
}

// usual completes the attributes of a new object.
func (f *land) usual(class, name string, attrs map[string][]string) {
	give := func(attr string, values ...string) {
		if _, given := attrs[attr]; !given {
			attrs[attr] = values
		}
	}
	classes := map[string]string{"ou": "organizationalUnit"}
	if long, ok := classes[class]; ok {
		class = long
	}
	give("objectClass", class)
	give("objectGUID", fmt.Sprintf("%08d-0000-4000-8000-%012d", f.number, len(f.made)+1))
	account := strings.ReplaceAll(strings.ToLower(name), " ", ".")
	switch class {
	case "user", "inetOrgPerson":
		give("userAccountControl", "512")
		fallthrough
	case "group":
		give("sAMAccountName", account[:min(len(account), 20)])
		give("displayName", name)
	case "contact":
		give("displayName", name)
	}
	if class == "group" {
		give("groupType", "-2147483646")
	}
	maps.DeleteFunc(attrs, func(_ string, v []string) bool { return len(v) == 1 && v[0] == "none" })
}

// mailEnable gives what Exchange gives to a recipient with this address, besides what is given already.
func mailEnable(attrs map[string][]string, kind, mail string) {
	local, _, _ := strings.Cut(mail, "@")
	details := map[string][2]string{"mailbox": {"1", "1073741824"}, "mailuser": {"128", "6"}, "mailcontact": {"64", "6"}}[kind]
	all := map[string]string{"mail": mail, "mailNickname": local, "legacyExchangeDN": "/o=Scenario/cn=Recipients/cn=" + local,
		"msExchRecipientTypeDetails": details[0], "msExchRecipientDisplayType": details[1], "targetAddress": "SMTP:" + mail}
	if kind == "mailbox" {
		delete(all, "targetAddress")
		all["msExchMailboxGuid"] = fmt.Sprintf("%-16.16s", "box "+local)
	}
	for name, v := range all {
		if attrs[name] == nil {
			attrs[name] = []string{v}
		}
	}
	attrs["proxyAddresses"] = append([]string{"SMTP:" + mail}, attrs["proxyAddresses"]...)
}

// octets gives a value as the directory takes it: base64:, hex: and guid: stand before octets.
func (f *land) octets(attr, text string) string {
	kind, rest, _ := strings.Cut(text, ":")
	switch kind {
	case "base64":
		if raw, err := base64.StdEncoding.DecodeString(rest); err == nil {
			return string(raw)
		}
	case "hex":
		if raw, err := hex.DecodeString(rest); err == nil {
			return string(raw)
		}
	case "guid":
		return string(guidOctets(canopy.Anchor(rest)))
	}
	if slices.Contains(links, attr) {
		return f.dn(text)
	}
	return text
}

// modify changes an object by a block's values.
func (w *world) modify(f *land, name string, b *block) {
	replaced := map[string][]string{}
	var order []string
	var mods []forest.Mod
	for _, v := range b.values() {
		text := f.octets(v.attr, v.text)
		switch v.op {
		case "add", "delete":
			mods = append(mods, forest.Mod{Op: v.op, Attr: v.attr, Values: []string{text}})
		case "clear":
			mods = append(mods, forest.Mod{Op: "replace", Attr: v.attr})
		default:
			if replaced[v.attr] == nil {
				order = append(order, v.attr)
			}
			replaced[v.attr] = append(replaced[v.attr], text)
		}
	}
	for _, attr := range order {
		mods = append(mods, forest.Mod{Op: "replace", Attr: attr, Values: replaced[attr]})
	}
	if err := f.server.Modify(f.dn(name), mods...); err != nil {
		w.failf("%v", err)
	}
}

// rename gives an object another DN, and remembers it and what is below it there.
func (w *world) rename(f *land, from, to string) {
	from, to = f.dn(from), f.dn(to)
	rdn, parent, _ := strings.Cut(to, ",")
	if err := f.server.Rename(from, rdn, parent); err != nil {
		w.failf("%v", err)
	}
	moved := map[string]canopy.Anchor{}
	for dn, guid := range f.where {
		if below(dn, []string{from}) {
			moved[strings.TrimSuffix(dn, canopy.Fold(from))+canopy.Fold(to)] = guid
			continue
		}
		moved[dn] = guid
	}
	f.where = moved
}

// guidOctets are the octets of a GUID as AD keeps them: the first three groups little-endian.
func guidOctets(a canopy.Anchor) []byte {
	raw, err := hex.DecodeString(strings.ReplaceAll(string(a), "-", ""))
	if err != nil || len(raw) != 16 {
		return nil
	}
	slices.Reverse(raw[0:4])
	slices.Reverse(raw[4:6])
	slices.Reverse(raw[6:8])
	return raw
}

// anchorText is the source anchor that an objectGUID makes.
func anchorText(a canopy.Anchor) string { return base64.StdEncoding.EncodeToString(guidOctets(a)) }
