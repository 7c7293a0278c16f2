package expr

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// object is an Env for tests.
type object map[string]Value

func (o object) Attr(name string) Value     { return o[name] }
func (o object) Imported(name string) Value { return o[name] }
func (o object) Count(name string) int64    { return int64(len(o[name].Values())) }
func (o object) Param(name string) (string, bool) {
	s, ok := map[string]string{"Domain.FQDN": "contoso.lab", "Tenant.Initial": "contoso.onmicrosoft.com"}[name]
	return s, ok
}

// World has a clock that stands, chance that repeats itself, and a target that holds everything that begins with "taken".
func (o object) World() *World {
	state := uint64(1)
	return &World{Now: time.Date(2026, 5, 4, 15, 33, 38, 0, time.UTC).UnixMicro(),
		Random: func() uint64 {
			state ^= state << 13
			state ^= state >> 7
			state ^= state << 17
			return state * 0x2545f4914f6cdd1d
		},
		Taken: func(v Value) (bool, error) { return strings.HasPrefix(v.Str(), "taken"), nil }}
}

var anna = object{
	"dn": Ref(`CN=Anna\, Berg\0ACNF:1234,OU=Sales,DC=contoso,DC=lab`), "cn": Str("Anna Berg"), "mail": Str("anna@contoso.com"),
	"sAMAccountName": Str("anna"), "blank": Str("  anna  "), "empty": Str(""), "uac": Num(514), "groupType": Num(-2147483646),
	"proxy": Many([]Value{Str(" SMTP:anna@contoso.com"), Str("smtp:a@contoso.com "), Str("smtp:a@contoso.com")}),
	"smile": Str("a😀b😀c"), "yes": Bool(true), "no": Bool(false), "refs": Many([]Value{Ref("CN=a"), Ref("CN=b")}),
	"guid":            Bin("\x03\x02\x01\x00\x05\x04\x07\x06\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"),
	"sid":             Bin("\x01\x02\x00\x00\x00\x00\x00\x05\x20\x00\x00\x00\x20\x02\x00\x00"),
	"userCertificate": Bin(sampleDER()), "certText": Str(sampleCert),
	"when": At(time.Date(2024, 3, 9, 7, 5, 4, 123456000, time.UTC).UnixMicro()), "one": Many([]Value{Str("x")}), "number": Str("42"),
	"nums": Many([]Value{Num(1), Num(2)}),
}

// evaluated is an expression's value for anna as text; errors begin with "!".
func evaluated(src string, d *Dialect) string {
	p, err := Parse(src, d)
	if err != nil {
		return "!" + err.Error()
	}
	v, err := p.Eval(anna)
	if err != nil {
		return "!" + err.Error()
	}
	if v.Kind() == List {
		var out []string
		for _, x := range v.Values() {
			out = append(out, x.String())
		}
		return strings.Join(out, " | ")
	}
	return v.String()
}

type row struct{ src, want string }

func check(t *testing.T, d *Dialect, rows []row) {
	t.Helper()
	for _, r := range rows {
		if got := evaluated(r.src, d); got != r.want && !(strings.HasPrefix(r.want, "!") && strings.HasPrefix(got, "!") && strings.Contains(got, r.want[1:])) {
			t.Errorf("%s\n got %s\nwant %s", r.src, got, r.want)
		}
	}
}

func TestLiteralsAndOperators(t *testing.T) {
	t.Parallel()
	check(t, Connect(), []row{
		{`"a"`, `"a"`}, {`"say \"x\" and ""y"""`, `"say \"x\" and \"y\""`}, {`"\\0ACNF:"`, `"\\0ACNF:"`}, {`"\0ACNF:"`, `"\\0ACNF:"`}, {`""`, `""`}, {`""""`, `"\""`},
		{`12`, `12`}, {`-12`, `-12`}, {`--12`, `12`}, {`&HFF`, `255`}, {`&h10 + 1`, `17`}, {`&H80000000`, `2147483648`},
		{`True`, `True`}, {`FALSE`, `False`}, {`NULL`, `NULL`}, {`Null`, `NULL`}, {`CRLF`, `"\r\n"`},
		{`IgnoreThisFlow`, `IgnoreThisFlow`}, {`AuthoritativeNull`, `AuthoritativeNull`},
		{`[cn]`, `"Anna Berg"`}, {`[nothing]`, `NULL`}, {`%Domain.FQDN%`, `"contoso.lab"`}, {`[dn]`, `"CN=Anna\\, Berg\\0ACNF:1234,OU=Sales,DC=contoso,DC=lab"`},
		{`1 + 2 * 3`, `7`}, {`(1 + 2) * 3`, `9`}, {`10 - 2 - 3`, `5`}, {`1 + NULL`, `NULL`},
		{`"a" & "b" & 3`, `"ab3"`}, {`"a" &HFF`, `!the word HFF`}, {`"a" & &HFF`, `"a255"`}, {`[nothing] & "x"`, `"x"`}, {`NULL & NULL`, `NULL`}, {`True & ""`, `"True"`},
		{`[sAMAccountName] & "@" & %Domain.FQDN%`, `"anna@contoso.lab"`},
		{`1 = 1`, `True`}, {`1 <> 1`, `False`}, {`"a" = "A"`, `False`}, {`"a" < "b"`, `True`}, {`9 > 10`, `False`}, {`2 <= 2`, `True`}, {`3 >= 4`, `False`},
		{`NULL = NULL`, `True`}, {`[nothing] = "x"`, `False`}, {`[nothing] <> "x"`, `True`}, {`[nothing] < 5`, `False`}, {`[nothing] >= 5`, `False`},
		{`[number] = 42`, `True`}, {`42 = [number]`, `True`}, {`[cn] = 42`, `!cannot compare`}, {`[yes] = "true"`, `True`}, {`[yes] = True`, `True`}, {`[yes] = 1`, `True`}, {`1 = [yes]`, `True`},
		{`[when] > [guid]`, `!cannot compare`}, {`[guid] = [guid]`, `True`}, {`[when] = [when]`, `True`},
		{`True && False`, `False`}, {`True || Error("x")`, `True`}, {`False && Error("x")`, `False`}, {`NULL || NULL`, `False`}, {`5 && 1`, `True`}, {`"a" && True`, `!between conditions`},
		{`IsPresent([nothing]) = False || [cn] = "lit"`, `True`}, {`False || 1 = 1 && 2 = 2`, `True`}, {`True || True && False`, `True`},
		{`9223372036854775807 + 1`, `!beyond 64 bits`}, {`-9223372036854775807 - 2`, `!beyond 64 bits`}, {`4294967296 * 4294967296`, `!beyond 64 bits`}, {`3037000500 * 3037000500`, `!beyond 64 bits`}, {`-3 * 4`, `-12`},
		{`-5 + -6`, `-11`}, {`5 - 7`, `-2`},
		{`"a" + "b"`, `!"&" joins texts`}, {`[proxy] = "x"`, `!takes one value`}, {`[one] = "x"`, `True`}, {`-"a"`, `!has no negative`}, {`-NULL`, `NULL`},
		{`IgnoreThisFlow & "x"`, `!takes one value`}, {`[guid] & "x"`, `!"&" joins texts`},
	})
}

func TestTextFunctions(t *testing.T) {
	t.Parallel()
	check(t, Connect(), []row{
		{`Trim([blank])`, `"anna"`}, {`Trim([nothing])`, `NULL`}, {`Trim([proxy])`, `"SMTP:anna@contoso.com" | "smtp:a@contoso.com" | "smtp:a@contoso.com"`}, {`Trim([uac])`, `!CStr makes one`},
		{`LTrim([blank])`, `"anna  "`}, {`RTrim([blank])`, `"  anna"`}, {`LCase("ÄB")`, `"äb"`}, {`UCase("äb")`, `"ÄB"`}, {`PCase("anna VON berg-lund")`, `"Anna Von Berg-lund"`},
		{`Len([smile])`, `5`}, {`Len([nothing])`, `0`}, {`Len([guid])`, `16`},
		{`Left("abc", 2)`, `"ab"`}, {`Left("abc", 0)`, `""`}, {`Left("abc", -1)`, `"abc"`}, {`Left("abc", 9)`, `"abc"`}, {`Left([nothing], 2)`, `""`}, {`Left([smile], 2)`, `"a😀"`},
		{`Right("abc", 2)`, `"bc"`}, {`Right("abc", 0)`, `""`}, {`Right("abc", -1)`, `"abc"`}, {`Right("abc", 9)`, `"abc"`}, {`Right([nothing], 1)`, `""`}, {`Right([smile], 2)`, `"😀c"`},
		{`Mid("abcd", 2, 2)`, `"bc"`}, {`Mid("abcd", 0, 2)`, `"abcd"`}, {`Mid("abcd", 9, 2)`, `"abcd"`}, {`Mid("abcd", 2, -1)`, `"abcd"`}, {`Mid("abcd", 4, 9)`, `"d"`}, {`Mid([nothing], 1, 1)`, `""`}, {`Mid([smile], 2, 1)`, `"😀"`},
		{`InStr("The quick brown fox", "quick")`, `5`}, {`InStr("repEated", "e", 3, vbBinaryCompare)`, `7`}, {`InStr("repEated", "E", 1, vbTextCompare)`, `2`}, {`InStr("abc", "x")`, `0`}, {`InStr([nothing], "x")`, `0`},
		{`InStr([smile], "b")`, `3`}, {`InStr("abc", "a", 0)`, `!counted from 1`}, {`InStr("abc", "a", 99)`, `0`}, {`InStr("a", "a", 1, "odd")`, `!CaseInsensitive`},
		{`InStrRev("abab", "b")`, `4`}, {`InStrRev("abab", "b", 3)`, `2`}, {`InStrRev("abab", "x")`, `0`},
		{`Replace("a-b-c", "-", "+")`, `"a+b+c"`}, {`Replace("a", "", "x")`, `"a"`}, {`Replace("a;b", ";", "\n")`, `"a\nb"`}, {`Replace([nothing], "a", "b")`, `NULL`},
		{`ReplaceChars("Möller, x", "ö:oe, x:")`, `"Moeller, "`}, {`ReplaceChars("a", "ab:c")`, `!is not character:text`},
		{`PadLeft("7", 3, "0")`, `"007"`}, {`PadRight("7", 3, "0")`, `"700"`}, {`PadLeft("1234", 3, "0")`, `"1234"`}, {`PadLeft([nothing], 3, "0")`, `""`}, {`PadLeft("a", 3, "xy")`, `!one character`}, {`PadLeft("a", 9999999, "x")`, `!longer than 1 MB`},
		{`Word("The quick brown", 3, " ")`, `"brown"`}, {`Word("a,b;c", 2, ",;")`, `"b"`}, {`Word("a", 2, " ")`, `""`}, {`Word("a", 0, " ")`, `""`}, {`Word([nothing], 1, " ")`, `""`},
		{`EscapeDNComponent(" a,b=c ")`, `"\\ a\\,b\\=c\\ "`}, {`EscapeDNComponent("#x")`, `"\\#x"`},
	})
}

func TestManyFunctions(t *testing.T) {
	t.Parallel()
	check(t, Connect(), []row{
		{`Contains([proxy], "smtp:")`, `2`}, {`Contains([proxy], "smtp:", CaseInsensitive)`, `1`}, {`Contains([proxy], "x500:")`, `0`}, {`Contains([mail], "@")`, `1`}, {`Contains([nothing], "@")`, `0`},
		{`Contains([refs], "CN=")`, `0`}, {`Contains([refs], "CN=b")`, `2`}, {`Contains([nums], "1")`, `!must be texts`},
		{`Count([proxy])`, `3`}, {`Count([mail])`, `1`}, {`Count([nothing])`, `0`},
		{`Item([proxy], 2)`, `"smtp:a@contoso.com "`}, {`Item([proxy], 9)`, `!there are 3 values`}, {`Item([nothing], 1)`, `!there are 0 values`}, {`Item([mail], 1)`, `"anna@contoso.com"`},
		{`ItemOrNull([proxy], 9)`, `NULL`}, {`ItemOrNull([nothing], 1)`, `NULL`},
		{`Join([refs], ";")`, `"CN=a;CN=b"`}, {`Join([refs])`, `"CN=a CN=b"`}, {`Join([nums], "+")`, `"1+2"`}, {`Join([nothing])`, `NULL`},
		{`Split("a;b;c", ";")`, `"a" | "b" | "c"`}, {`Split("a;b;c", ";", 2)`, `"a" | "b;c"`}, {`Split("a", ";;")`, `!one character`},
		{`RemoveDuplicates(Trim([proxy]))`, `"SMTP:anna@contoso.com" | "smtp:a@contoso.com"`}, {`RemoveDuplicates([nothing])`, `NULL`}, {`RemoveDuplicates([mail])`, `"anna@contoso.com"`},
		{`ValueCount("proxy")`, `3`}, {`ValueCount("nothing")`, `0`}, {`ImportedValue("mail")`, `"anna@contoso.com"`}, {`ImportedValue(mail)`, `!an attribute is written [mail]`}, {`ValueCount([mail])`, `!name in quotes`},
		{`LCase([proxy] & "x")`, `!takes one value on each side`}, {`Left([proxy], 6)`, `" SMTP:" | "smtp:a" | "smtp:a"`}, {`CNum([proxy])`, `!not a whole number`}, {`DateFromNum([nums])`, `!takes one value, not 2`},
	})
}

func TestConversions(t *testing.T) {
	t.Parallel()
	check(t, Connect(), []row{
		{`BitAnd([uac], &H2)`, `2`}, {`BitAnd([groupType], &H80000000) <> 0`, `True`}, {`BitAnd([groupType], -2147483648) <> 0`, `True`}, {`BitAnd(8, -2147483648)`, `0`}, {`BitOr(1, 2)`, `3`}, {`BitAnd([nothing], 2)`, `NULL`}, {`BitAnd([nothing], 2) = 0`, `False`},
		{`IsBitSet([uac], 2)`, `True`}, {`IsBitSet([uac], 1)`, `False`}, {`IsBitSet([nothing], 2)`, `False`}, {`IsBitSet("x", 2)`, `!must be a number`}, {`IsBitSet(CNum([number]), 2)`, `True`},
		{`CBool(2)`, `True`}, {`CBool(0)`, `False`}, {`CBool(NULL)`, `False`}, {`CBool("true")`, `True`}, {`CBool("x")`, `!neither true nor false`}, {`CBool(IIF(IsPresent([uac]), [uac] > 0, NULL))`, `True`},
		{`CNum("42")`, `42`}, {`CNum("x")`, `!whole number`}, {`CNum(NULL)`, `NULL`}, {`CNum(True)`, `1`}, {`CStr(42)`, `"42"`}, {`CStr(True)`, `"True"`}, {`CStr([guid])`, `!cannot be a text`}, {`CStr([dn]) = [dn]`, `True`}, {`CStr([when])`, `"2024-03-09T07:05:04.123456Z"`},
		{`CRef("CN=x")`, `"CN=x"`}, {`CBin(258, 2)`, `0x0201`}, {`CBin(1, 0)`, `!octets number`}, {`CGuid("{00010203-0405-0607-0809-0a0b0c0d0e0f}") = [guid]`, `True`}, {`CGuid("x")`, `!is not a GUID`},
		{`StringFromGuid([guid])`, `"00010203-0405-0607-0809-0a0b0c0d0e0f"`}, {`StringFromGuid(CBin(1,2))`, `!16 octets`}, {`StringFromSid([sid])`, `"S-1-5-32-544"`}, {`StringFromSid("S-1-5-18")`, `"S-1-5-18"`}, {`StringFromSid([guid])`, `!is not a SID`},
		{`ConvertToBase64("a")`, `"YQA="`}, {`ConvertToBase64([guid])`, `"AwIBAAUEBwYICQoLDA0ODw=="`}, {`ConvertToBase64([nothing])`, `NULL`}, {`ConvertFromBase64("YQA=")`, `"a"`}, {`ConvertFromBase64("YQ==", UTF8)`, `"a"`}, {`ConvertFromBase64("YQ==")`, `!UTF-16`}, {`ConvertFromBase64("*")`, `!not base64`},
		{`ConvertToUTF8Hex("aö")`, `"61C3B6"`}, {`ConvertFromUTF8Hex("61C3B6")`, `"aö"`}, {`ConvertFromUTF8Hex("6")`, `!hexadecimal`},
		{`DNComponent([dn], 1)`, `"Anna\\, Berg\\0ACNF:1234"`}, {`DNComponent([dn], 2)`, `"Sales"`}, {`DNComponent([dn], 9)`, `NULL`}, {`DNComponentRev([dn], 1)`, `"lab"`}, {`DNComponentRev([dn], 1, "DC")`, `"Sales"`}, {`DNComponent(CRef("CN=a"), 1)`, `"a"`},
		{`InStr(DNComponent([dn], 1), "\\0ACNF:") > 0`, `True`},
	})
}

func TestFlowTestAndDateFunctions(t *testing.T) {
	t.Parallel()
	check(t, Connect(), []row{
		{`IIF(True, 1, Error("no"))`, `1`}, {`IIF([nothing], 1, 2)`, `2`}, {`IIF(False, Error("no"), IgnoreThisFlow)`, `IgnoreThisFlow`}, {`IIF("x", 1, 2)`, `!IIF, argument 1: must be true or false`},
		{`Switch(False, 1, True, 2, True, Error("no"))`, `2`}, {`Switch(False, 1)`, `NULL`}, {`Switch(True)`, `!at least 2 arguments`}, {`Switch(True, 1, False)`, `!in pairs`},
		{`Error("no UPN")`, `!no UPN`}, {`Trim(AuthoritativeNull)`, `!can only be the result`},
		{`IsNull([nothing])`, `True`}, {`IsNull([empty])`, `False`}, {`IsNullOrEmpty([empty])`, `True`}, {`IsEmpty([nothing])`, `False`}, {`IsEmpty([empty])`, `True`}, {`IsEmpty([cn])`, `False`}, {`IsEmpty([proxy])`, `False`}, {`IsPresent([empty])`, `False`}, {`IsPresent([proxy])`, `True`}, {`IsNullOrEmpty(NULL)`, `True`},
		{`IsString([cn])`, `True`}, {`IsString([uac])`, `True`}, {`IsString([dn])`, `True`}, {`IsString([yes])`, `True`}, {`IsString([guid])`, `False`}, {`IsString([when])`, `False`}, {`IsString([proxy])`, `False`}, {`IsString([nothing])`, `False`}, {`IsNumeric([number])`, `True`}, {`IsNumeric([uac])`, `True`}, {`IsNumeric([cn])`, `False`}, {`IsNumeric([nothing])`, `False`},
		{`IsDate("2024-03-09")`, `True`}, {`IsDate("x")`, `False`}, {`IsGuid("00010203-0405-0607-0809-0a0b0c0d0e0f")`, `True`}, {`IsGuid("x")`, `False`}, {`Not([nothing])`, `True`}, {`Not(True)`, `False`},
		{`FormatDateTime(DateFromNum(129699324000000000), "yyyy-MM-dd HH:mm:ss")`, `"2012-01-01 23:00:00"`}, {`FormatDateTime(DateFromNum(0), "yyyyMMddHHmmss.0Z")`, `"16010101000000.0Z"`},
		{`DateFromNum([nothing])`, `NULL`}, {`DateFromNum(9223372036854775807)`, `!is no time`}, {`DateFromNum(-1)`, `!is no time`}, {`NumFromDate(DateFromNum(129699324000000000))`, `129699324000000000`},
		{`FormatDateTime([when], "yyyyMMddHHmmss.0Z")`, `"20240309070504.0Z"`}, {`FormatDateTime([when], "d MMM yy, H:m:s tt 'o''clock'")`, `"9 Mar 24, 7:5:4 AM oclock"`}, {`FormatDateTime([when], "ffff FFFFFFF")`, `"1234 123456"`}, {`FormatDateTime([when], "o")`, `"2024-03-09T07:05:04.1234560Z"`},
		{`FormatDateTime([when], "'x")`, `!does not end`}, {`FormatDateTime([when], "q")`, `!not known`}, {`FormatDateTime([when], "\\y dddd ddd MMMM hh")`, `"y Saturday Sat March 07"`},
		{`CDate("2024-03-09T08:05:04+01:00") = CDate("2024-03-09 07:05:04")`, `True`}, {`CDate("x")`, `!no time`},
		{`DateAdd("m", 1, CDate("2024-01-31"))`, `2024-02-29T00:00:00Z`}, {`DateAdd("d", -1, CDate("2024-03-01"))`, `2024-02-29T00:00:00Z`}, {`DateAdd("yyyy", 9999, CDate("2024-03-01"))`, `!outside the years`}, {`DateAdd("x", 1, CDate("2024-03-01"))`, `!must be one of`}, {`DateAdd("m", 999999, CDate("2024-03-01"))`, `!too far`},
	})
}

func TestFaultsSayWhereAndWhat(t *testing.T) {
	t.Parallel()
	check(t, Connect(), []row{
		{``, `!the expression is empty`}, {`Trm([cn])`, `!at character 1: there is no function Trm; is Trim meant?`}, {`iif(True,1,2)`, `!it is written IIF`}, {`Frobnicate()`, `!there is no function Frobnicate`},
		{`Trim`, `!the function Trim has no brackets; it is used so: Trim(text)`}, {`mail`, `!an attribute is written [mail], a text "mail"`}, {`Trim([cn], 2)`, `!Trim: takes 1 argument, has 2; it is used so: Trim(text)`},
		{`Left([cn])`, `!Left: takes 2 arguments, has 1`}, {`InStr("a")`, `!takes at least 2`}, {`InStr("a","b",1,vbTextCompare,5)`, `!takes at most 4`},
		{`Left([cn], "x")`, `!at character 12: Left, argument 2: must be a number (CNum makes one), is text ("x")`}, {`"abc`, `!no closing quote`}, {`[abc`, `!does not end`}, {`[]`, `!is not an attribute's name`}, {`%a`, `!does not end`},
		{`(1`, `!")" is missing before the end, for the bracket at character 1`}, {`1)`, `!")" follows a complete expression`}, {`1 2`, `!a number follows`}, {`Left(1`, `!"," or ")" is missing`}, {`Left(1,)`, `!a value is missing before ")"`},
		{`1 +`, `!a value is missing before the end`}, {`1 / 2`, `!the character '/' means nothing here`}, {`99999999999999999999`, `!64 bits`}, {`&H11111111111111111`, `!hexadecimal`}, {`%No.Such%`, `!no parameter No.Such`},
		{strings.Repeat("(", 200) + "1" + strings.Repeat(")", 200), `!nested more than 100 deep`}, {strings.Repeat("-", 200) + "1", `!nested more than 100 deep`}, {strings.Repeat("x", maxSource+1), `!bytes`}, {"1" + strings.Repeat("+1", 15000), `!more than 20000 parts`},
	})
	_, err := Parse(`IIF([ö] = 1, Trm("x"), 2)`, Connect())
	var e *Error
	if !errors.As(err, &e) || e.Column() != 14 || e.Function != "IIF" || e.Arg != 2 || !strings.HasSuffix(e.Caret(), "\n"+strings.Repeat(" ", 13)+"^") {
		t.Errorf("got %#v, want character 14 in argument 2 of IIF, and a caret", err)
	}
}

func TestWhatAProgramReads(t *testing.T) {
	t.Parallel()
	p, err := Parse(`IIF(IsPresent([a]) && ValueCount("member") > 0, Trim(ImportedValue("b")), [a] & %P.Q%)`, Connect())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(p.Attrs(), " "), "a member b"; got != want {
		t.Errorf("attributes: got %s, want %s", got, want)
	}
	if len(p.Uses()) != 3 || p.Uses()[1].How != UseCount || p.Uses()[2].How != UseImported || !slices.Equal(p.Params(), []string{"P.Q"}) || len(p.Warnings()) != 0 {
		t.Errorf("uses %v, parameters %v, warnings %v", p.Uses(), p.Params(), p.Warnings())
	}
}

func TestMixedLogicIsWarnedOf(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]int{`True || True && False`: 1, `True && False || True`: 1, `(True && False) || True`: 0, `True || True || False`: 0, `True || (True && False)`: 0, `1 = 1 && 2 = 2`: 0} {
		p, err := Parse(src, Connect())
		if err != nil || len(p.Warnings()) != want {
			t.Errorf("%s: got %v %v, want %d warnings", src, p.Warnings(), err, want)
		}
	}
}

func TestEvaluationIsBounded(t *testing.T) {
	t.Parallel()
	src := `"aaaaaaaaaaaaaaaa"`
	for range 60 {
		src = `Replace(` + src + `, "a", "aaaaaaaaaaaaaaaa")`
	}
	if got := evaluated(src, Connect()); !strings.Contains(got, "1 MB") {
		t.Errorf("got %.80s, want the limit of a text", got)
	}
	src = `PadLeft("a", 1000000, "b")`
	for range 90 {
		src = `LCase(` + src + `)`
	}
	if got := evaluated(src, Connect()); !strings.Contains(got, "64 MB") {
		t.Errorf("got %.80s, want the limit of the work", got)
	}
}

func BenchmarkEval(b *testing.B) {
	for _, c := range []struct {
		dialect *Dialect
		src     string
	}{
		{Connect(), `Trim([blank])`}, {Connect(), `IIF(IsPresent([mail]), Trim([mail]), [sAMAccountName] & "@" & %Domain.FQDN%)`}, {Connect(), `RemoveDuplicates(Trim([proxy]))`},
		{Connect(), `IIF(BitAnd([uac], 2) = 0, True, False)`}, {Connect(), `FormatDateTime(DateFromNum(129699324000000000), "yyyyMMddHHmmss.0Z")`}, {Connect(), `Where($p, [proxy], Contains($p, "smtp:") > 0)`},
		{Cloud(), `Switch([number], "d", "41", "a", "42", "b")`}, {Cloud(), `Join(", ", [cn], [mail])`}, {Cloud(), `NormalizeDiacritics([cn])`}, {Cloud(), `Replace([mail], , "(?<user>[^@]+)@.*", , "${user}", , )`},
	} {
		b.Run(c.dialect.Name+" "+c.src, func(b *testing.B) {
			p, err := Parse(c.src, c.dialect)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Eval(anna); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	const src = `IIF(IsPresent([msExchRecipientTypeDetails]), IIF([msExchRecipientTypeDetails] = 2, NULL, ConvertToBase64([objectGUID])), IIF(IsString([objectGUID]), CStr([objectGUID]), ConvertToBase64([objectGUID])))`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(src, Connect()); err != nil {
			b.Fatal(err)
		}
	}
}
