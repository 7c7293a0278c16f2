package forest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"strconv"
	"time"
	"unicode/utf16"
)

// readPassword reads unicodePwd as it goes over the wire: in quotes, UTF-16, little-endian.
func readPassword(v string) (string, bool) {
	if len(v) < 4 || len(v)%2 != 0 {
		return "", false
	}
	u := make([]uint16, len(v)/2)
	for i := range u {
		u[i] = binary.LittleEndian.Uint16([]byte(v[2*i : 2*i+2]))
	}
	if u[0] != '"' || u[len(u)-1] != '"' {
		return "", false
	}
	return string(utf16.Decode(u[1 : len(u)-1])), true
}

func badPassword(dn string) *refusal {
	return refuse(unwilling, "0000001F: SvcErr: problem 5003 (WILL_NOT_PERFORM): %s: unicodePwd must be one value, in quotes and UTF-16", dn)
}

// setSecret keeps a password, given in the form of the wire or plain.
func (d *directory) setSecret(o *object, v string) {
	if plain, ok := readPassword(v); ok {
		v = plain
	}
	d.secrets[o] = sha256.Sum256([]byte(v))
}

// secretAttributes change with the password. They are never shown; DirSync tells them as empty.
func (d *directory) secretAttributes() []*attribute {
	return []*attribute{d.a.unicodePwd, d.a.dBCSPwd, d.a.lmPwdHistory, d.a.ntPwdHistory, d.a.supplementalCredentials}
}

const (
	controlDisabled     = 0x2
	controlLockout      = 0x10
	controlDontExpire   = 0x10000
	controlExpired      = 0x800000
	lastLogonEveryTicks = int64(14*24*time.Hour) / 100
)

// logon checks a password and the account behind it. The data number is Active Directory's.
func (d *directory) logon(o *object, password string) *refusal {
	data := ""
	sum := sha256.Sum256([]byte(password))
	kept, ok := d.secrets[o]
	control := number(o.text(d.a.userAccountControl))
	now := filetime(d.clock())
	switch expires := number(o.text(d.a.accountExpires)); {
	case !ok || subtle.ConstantTimeCompare(sum[:], kept[:]) != 1:
		data = "52e"
	case control&controlDisabled != 0:
		data = "533"
	case control&controlLockout != 0 || number(o.text(d.a.lockoutTime)) != 0:
		data = "775"
	case expires != 0 && strconv.FormatInt(expires, 10) != never && expires <= now:
		data = "701"
	case control&controlExpired != 0:
		data = "532"
	case o.text(d.a.pwdLastSet) == "0" && control&controlDontExpire == 0:
		data = "773"
	default:
		return nil
	}
	return wrongCredentials(data)
}

func wrongCredentials(data string) *refusal {
	return refuse(invalidCredentials, "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data %s, v4563", data)
}

// loggedOn notes a logon, at most once in fourteen days, as a domain controller does.
func (d *directory) loggedOn(o *object) {
	now := filetime(d.clock())
	if last := number(o.text(d.a.lastLogonTimestamp)); now-last < lastLogonEveryTicks && now >= last {
		return
	}
	usn := d.nextUSN()
	d.store(o, d.a.lastLogonTimestamp, usn, []string{strconv.FormatInt(now, 10)})
	d.changedAt(o, usn)
}

// account finds the object of a bind name: DN, userPrincipalName, DOMAIN\name or name@domain.
func (d *directory) account(name string) *object {
	bySAM := func(sam string) *object {
		for _, o := range d.values[d.a.sAMAccountName.slot].get(d.a.sAMAccountName.key(sam)) {
			if !o.deleted {
				return o
			}
		}
		return nil
	}
	if domain, sam, ok := cutFold(name, "\\"); ok {
		if domain == foldText(d.netbios) || domain == d.domain {
			return bySAM(sam)
		}
		return nil
	}
	for _, o := range d.values[d.a.userPrincipalName.slot].get(d.a.userPrincipalName.key(name)) {
		if !o.deleted {
			return o
		}
	}
	if sam, domain, ok := cutFold(name, "@"); ok && (domain == d.domain || domain == foldText(d.netbios)) {
		return bySAM(sam)
	}
	if o, _, ok := d.find(name); ok && o != nil && !o.deleted {
		return o
	}
	return nil
}
