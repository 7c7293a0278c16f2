package e2e

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// attributes are what the oracle looks at.
var attributes = []string{"objectClass", "objectGUID", "objectSid", "cn", "sAMAccountName", "userPrincipalName", "mail", "proxyAddresses",
	"displayName", "userAccountControl", "groupType", "manager", "member", "mailNickname", "mS-DS-ConsistencyGuid", "adminDescription",
	"isCriticalSystemObject", "msExchRecipientTypeDetails", "msExchMailboxGuid", "targetAddress", "msExchHideFromAddressLists"}

// ReadForest reads all objects that the oracle knows below base, and attributes beyond its own where they are asked for.
// The server must give long lists of members whole.
func ReadForest(c *ldap.Conn, base string, more ...string) ([]Object, error) {
	found, err := c.SearchWithPaging(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false,
		"(|(objectClass=user)(objectClass=group)(objectClass=contact)(objectClass=foreignSecurityPrincipal))", append(more, attributes...), nil), 500)
	if err != nil {
		return nil, fmt.Errorf("read all of %s: %w", base, err)
	}
	var all []Object
	for _, e := range found.Entries {
		o := Object{DN: e.DN, Attrs: map[string][]string{}}
		for _, a := range e.Attributes {
			name := strings.ToLower(a.Name)
			if strings.Contains(name, ";range=") {
				return nil, fmt.Errorf("read %s: %s came in part only", e.DN, a.Name)
			}
			o.Attrs[name] = a.Values
		}
		o.GUID = dashed([]byte(o.first("objectguid")))
		if sid := o.first("objectsid"); sid != "" {
			o.Attrs["objectsid"] = []string{textSID([]byte(sid))}
		}
		all = append(all, o)
	}
	return all, nil
}

func (o *Object) first(name string) string {
	return strings.Join(o.Attrs[name][:min(1, len(o.Attrs[name]))], "")
}

func (o *Object) number(name string) int64 {
	n, _ := strconv.ParseInt(o.first(name), 10, 64) // absent is 0
	return n
}

// dashed is AD's text of an objectGUID, which ranks objects.
func dashed(b []byte) string {
	if len(b) != 16 {
		return hex.EncodeToString(b)
	}
	return fmt.Sprintf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%x-%x", b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8:10], b[10:])
}

// textSID is S-1-...; what is no SID stays as it is.
func textSID(b []byte) string {
	if len(b) < 8 || len(b) != 8+4*int(b[1]) {
		return string(b)
	}
	authority := uint64(0)
	for _, x := range b[2:8] {
		authority = authority<<8 | uint64(x)
	}
	s := fmt.Sprintf("S-%d-%d", b[0], authority)
	for i := 8; i < len(b); i += 4 {
		s += fmt.Sprintf("-%d", uint32(b[i])|uint32(b[i+1])<<8|uint32(b[i+2])<<16|uint32(b[i+3])<<24)
	}
	return s
}
