package expr

import (
	"strings"
	"testing"
)

func TestConnectNull(t *testing.T) {
	t.Parallel()
	check(t, Connect(), []row{
		{`CDate(NULL)`, `NULL`}, {`CRef([nothing])`, `NULL`}, {`ConvertFromBase64([nothing])`, `NULL`}, {`ConvertFromBase64([nothing], UTF8)`, `NULL`}, {`DNComponent([nothing], 1)`, `NULL`},
		{`ReplaceChars([nothing], "a:b")`, `NULL`}, {`BitOr([nothing], 1)`, `NULL`}, {`BitOr(1, [nothing])`, `NULL`}, {`ConvertFromUTF8Hex([nothing])`, `NULL`}, {`NumFromDate([nothing])`, `NULL`},
		{`IsDate(NULL)`, `False`}, {`LTrim([nothing])`, `NULL`}, {`RTrim([nothing])`, `NULL`}, {`ConvertToUTF8Hex([nothing])`, `NULL`}, {`InStrRev([nothing], "x")`, `0`}, {`InStrRev("x", [nothing])`, `1`},
		{`Switch(NULL, 1, NULL, 2)`, `NULL`}, {`Switch([nothing], 1, True, NULL)`, `NULL`}, {`LCase([nothing])`, `NULL`}, {`UCase([nothing])`, `NULL`}, {`PCase([nothing])`, `NULL`},
		{`DNComponentRev([nothing], 1)`, `NULL`}, {`EscapeDNComponent([nothing])`, `NULL`}, {`ImportedValue("nothing")`, `NULL`}, {`Split([nothing], ",")`, `NULL`}, {`StringFromSid([nothing])`, `NULL`},
		{`CGuid([nothing])`, `NULL`}, {`CBin([nothing])`, `NULL`}, {`PadRight([nothing], 2, "x")`, `""`}, {`StringFromGuid([nothing])`, `NULL`}, {`FormatDateTime([nothing], "yyyy")`, `NULL`}, {`CStr([nothing])`, `NULL`},
		{`DateAdd("d", 1, [nothing])`, `NULL`}, {`DateAdd(NULL, 1, CDate("2024-01-01"))`, `NULL`}, {`IsGuid(NULL)`, `False`}, {`Left([cn], [nothing])`, `""`}, {`Mid([cn], [nothing])`, `""`}, {`Right([cn], [nothing])`, `""`},
		{`Error([nothing])`, `!`}, {`IIF([nothing], 1, [nothing])`, `NULL`}, {`Len([empty])`, `0`}, {`Trim([empty])`, `""`}, {`Trim("   ")`, `""`}, {`IsPresent(Trim("   "))`, `False`}, {`IsNull(Left([nothing], 1))`, `False`},
		{`PadLeft("a", 3, NULL)`, `!one character`}, {`Word([cn], [nothing], " ")`, `""`}, {`Contains([nothing], "a", CaseInsensitive)`, `0`}, {`Join(NULL, ",")`, `NULL`}, {`Where($x, [nothing], True)`, `NULL`},
		{`Select($x, NULL, 1)`, `NULL`}, {`With($x, [nothing], IsNull($x))`, `True`}, {`CertSubject([nothing])`, `NULL`}, {`IsCert([nothing])`, `False`}, {`RandomNum([nothing], 1)`, `NULL`}, {`Thumbprint([nothing])`, `NULL`},
	})
}

func TestConnectTextEdges(t *testing.T) {
	t.Parallel()
	check(t, Connect(), []row{
		{`Mid("John Doe", 6, 999)`, `"Doe"`}, {`Mid("John", 2)`, `"ohn"`}, {`Mid("John", 5)`, `"John"`}, {`Mid("John", 4)`, `"n"`}, {`Mid("John", 1, 0)`, `""`}, {`Mid([proxy], 2, 4)`, `"SMTP" | "mtp:" | "mtp:"`},
		{`InStr("", "")`, `0`}, {`InStr("abc", "")`, `1`}, {`InStr("abc", "", 2)`, `2`}, {`InStr("abc", "", 9)`, `0`}, {`InStr("abab", "b", 3)`, `4`}, {`InStr("ABAB", "b", 3, vbTextCompare)`, `4`}, {`InStr("İx", "X", 1, vbTextCompare)`, `2`},
		{`InStrRev("abbcdbbbef", "bb")`, `7`}, {`InStrRev("abBA", "b", 4, vbTextCompare)`, `3`}, {`InStrRev("abBA", "b", 4, vbBinaryCompare)`, `2`}, {`InStrRev("abc", "")`, `3`}, {`InStrRev("", "a")`, `0`}, {`InStrRev("abab", "b", 0)`, `!counted from 1`},
		{`InStrRev([smile], "😀")`, `4`}, {`PadLeft([smile], 7, "😀")`, `"😀😀a😀b😀c"`}, {`Word("a😀b", 2, "😀")`, `"b"`}, {`ReplaceChars([smile], "😀:!")`, `"a!b!c"`}, {`Len("😀")`, `1`}, {`Mid("😀x", 2)`, `"x"`},
		{`Replace("x" & CRLF & "y", "\r\n", ", ")`, `"x, y"`}, {`Replace("a	b", "\t", " ")`, `"a b"`}, {`Replace("aaa", "aa", "b")`, `"ba"`}, {`Replace("Aa", "a", "")`, `"A"`}, {`Replace("a", "a", [nothing])`, `""`},
		{`ReplaceChars("O’Neil", "’:,Å:A,Ä:A,Ö:O,å:a,ä:a,ö:o")`, `"ONeil"`}, {`ReplaceChars("aA", "a:x")`, `"xA"`}, {`ReplaceChars("a", "")`, `"a"`}, {`ReplaceChars("a", ":x")`, `!character:text`}, {`ReplaceChars("a", "a")`, `!character:text`}, {`ReplaceChars("ab", " a : x y ,	b:z")`, `"xyz"`},
		{`PCase(LCase("TEST"))`, `"Test"`}, {`PCase("o'neil mc-donald")`, `"O'neil Mc-donald"`}, {`PCase("ÉCOLE élan")`, `"École Élan"`}, {`PadLeft("User", 10, "0")`, `"000000User"`}, {`PadLeft("ab", -5, "x")`, `"ab"`}, {`PadRight("ab", 2, "x")`, `"ab"`},
		{`Word("  a  b ", 2, " ")`, `"b"`}, {`Word("abc", 1, "")`, `"abc"`}, {`Word("abc", -1, " ")`, `""`}, {`Right("abc", 3)`, `"abc"`}, {`Left("", 3)`, `""`}, {`LCase("İI")`, `"ii"`},
		{`Join(Split("a,b", ","), "")`, `"ab"`}, {`Split("a,,b", ",")`, `"a" | "" | "b"`}, {`Split("abc", ",")`, `"abc"`}, {`Split("a,b,c", ",", 1)`, `"a,b,c"`}, {`Split("a,b", ",", 0)`, `!must be from 1`}, {`Split("a", "")`, `!one character`},
		{`Item([proxy], 0)`, `!is 0, and there are 3 values`}, {`Item([proxy], -1)`, `!is -1`}, {`Mid(Item([proxy], Contains([proxy], "SMTP:")), 7)`, `"anna@contoso.com"`}, {`RemoveDuplicates(Split("a,A,a", ","))`, `"a" | "A"`},
		{`Contains([refs], "CN=A", CaseInsensitive)`, `1`}, {`Contains([refs], "cn=a")`, `0`}, {`Contains([proxy], "a", "odd")`, `!CaseInsensitive or CaseSensitive`}, {`Contains([proxy], "SMTP:", CaseSensitive)`, `1`}, {`Contains([cn], "Berg")`, `1`},
		{`DNComponentRev(CRef("cn=Joe,ou=Atlanta,ou=GA,ou=US, dc=contoso,dc=com"), 3)`, `"US"`}, {`DNComponentRev(CRef("cn=Joe,ou=Atlanta,ou=GA,ou=US, dc=contoso,dc=com"), 1, DC)`, `"US"`}, {`DNComponentRev([dn], 1, "dc")`, `!must be DC`},
		{`DNComponent([dn], 0)`, `NULL`}, {`DNComponent("", 1)`, `NULL`}, {`EscapeDNComponent("a+b\"c\\d<e>f;g")`, `"a\\+b\\\"c\\\\d\\<e\\>f\\;g"`},
		{`ConvertFromBase64("SGVsbG8gd29ybGQh", ASCII)`, `"Hello world!"`}, {`ConvertFromBase64("SABlAGwAbABvACAAdwBvAHIAbABkACEA")`, `"Hello world!"`}, {`ConvertFromBase64("SABlAGwAbABvACAAdwBvAHIAbABkACEA", Unicode)`, `"Hello world!"`}, {`ConvertFromBase64("YQ==", "UTF9")`, `!must be Unicode`},
		{`ConvertToBase64("😀")`, `"PdgA3g=="`}, {`ConvertFromBase64("PdgA3g==")`, `"😀"`}, {`ConvertToBase64([dn]) = ConvertToBase64(CStr([dn]))`, `True`}, {`ConvertToBase64("")`, `""`}, {`ConvertToUTF8Hex("😀")`, `"F09F9880"`}, {`ConvertFromUTF8Hex("f09f9880")`, `"😀"`}, {`ConvertFromUTF8Hex("FF")`, `!hexadecimal`},
		{`CBin(1)`, `0x0100000000000000`}, {`CBin(-1, 2)`, `0xffff`}, {`CBin(1, 9)`, `0x010000000000000000`}, {`CBin(1, 2000)`, `!octets number`}, {`CNum("-7")`, `-7`}, {`CNum(" 7 ")`, `7`}, {`CNum("1.5")`, `!whole number`}, {`IsNumeric("1.5")`, `False`}, {`IsNumeric([yes])`, `True`},
		{`IsGuid("{00010203-0405-0607-0809-0a0b0c0d0e0f}")`, `True`}, {`IsGuid("000102030405060708090a0b0c0d0e0f")`, `False`}, {`CGuid("{00010203-0405-0607-0809-0a0b0c0d0e0f")`, `!not a GUID`}, {`StringFromSid("S-1-5-x")`, `!not a SID`},
		{`IsBitSet(&HF, 4)`, `True`}, {`BitAnd([groupType], 2)`, `2`}, {`BitOr([uac], &H10000)`, `66050`}, {`Thumbprint([userCertificate]) <> CBin(0)`, `True`}, {`Thumbprint("x")`, `!must be octets`},
		{`Switch("x" = "London", "English", "x" = "Rome", "Italian", True, Error("Unknown city"))`, `!Unknown city`}, {`Switch(True, 1, Error("seen"), 2)`, `!seen`}, {`Switch(True, NULL, True, 2)`, `NULL`},
		{`RandomNum(1, 6) >= 1`, `True`}, {`RandomNum(1, 6) <= 6`, `True`}, {`RandomNum(6, 1)`, `!less than 6`}, {`RandomNum(-9223372036854775807, 9223372036854775807) <> 0`, `True`}, {`Len(Guid())`, `36`}, {`IsGuid(Guid())`, `True`}, {`Guid() = Guid()`, `False`}, {`Guid(1)`, `!takes no argument`},
		{`FormatDateTime(Now(), "yyyy-MM-dd HH:mm:ss")`, `"2026-05-04 15:33:38"`}, {`With($u, CBin(1), Thumbprint($u) = Thumbprint($u))`, `True`},
	})
}

func TestLambdas(t *testing.T) {
	t.Parallel()
	check(t, Connect(), []row{
		{`Select($item, [proxy], Replace(Trim($item), "smtp:", ""))`, `"SMTP:anna@contoso.com" | "a@contoso.com" | "a@contoso.com"`}, {`Where($item, [proxy], Contains($item, "smtp:") > 0)`, `"smtp:a@contoso.com " | "smtp:a@contoso.com"`},
		{`Where($item, [proxy], False)`, `NULL`}, {`Select($item, [cn], UCase($item))`, `"ANNA BERG"`}, {`Select($item, [proxy], NULL)`, `NULL`}, {`Select($item, [nums], $item * 10)`, `10 | 20`}, {`Select($i, [nums], IIF($i = 1, NULL, $i))`, `2`},
		{`With($x, [cn], $x & $x)`, `"Anna BergAnna Berg"`}, {`With($a, 1, With($b, 2, $a + $b))`, `3`}, {`With($a, 1, With($a, 2, $a) + $a)`, `3`}, {`With($a, With($b, 3, $b), $a)`, `3`}, {`With($a, 1, Select($b, [nums], $a + $b))`, `2 | 3`},
		{`Select($a, [nums], Join(Select($b, [nums], $a * 10 + $b), "+"))`, `"11+12" | "21+22"`}, {`Where($item, [userCertificate], CertNotAfter($item) > Now()) = [userCertificate]`, `True`},
		{`With($un, Where($item, [userCertificate], CertNotAfter($item) > Now()), IIF(Count($un) > 0, $un, NULL)) = [userCertificate]`, `True`}, {`With($x, 1, IgnoreThisFlow)`, `IgnoreThisFlow`},
		{`With($x, 1, $y)`, `!the variable $y is not known here; is $x meant?`}, {`$x`, `!is not known here; With, Select and Where name one`}, {`With($x, $x, 1)`, `!the variable $x is not known here`}, {`With(x, 1, 2)`, `!must be the name of a variable`}, {`With($, 1, 2)`, `!must be the name of a variable`},
		{`With($x, 1)`, `!takes 3 arguments, has 2`}, {`With($x)`, `!takes 3 arguments, has 1`}, {`With()`, `!takes 3 arguments`}, {`Select($i, IgnoreThisFlow, 1)`, `!can only be the result`}, {`With($i, AuthoritativeNull, 1)`, `!can only be the result`}, {`Select($i, [nums], IgnoreThisFlow)`, `!can only be the result`},
		{`Where($i, [nums], "x")`, `!must be true or false`}, {`Where($i, [nums], IgnoreThisFlow)`, `!can only be the result`}, {`Where($i, AuthoritativeNull, True)`, `!can only be the result`}, {`Where($i, [nums], Error("stop"))`, `!stop`}, {`Select($i, [nums], Error("stop"))`, `!stop`}, {`With($x, Error("stop"), 1)`, `!stop`},
		{`Select($i, Split("a,b", ","), Split($i & ";x", ";"))`, `"a" | "x" | "b" | "x"`},
	})
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	const cn = `"CN=ann.lee, OU=Sales, O=Contoso"`
	check(t, Connect(), []row{
		{`CertSubject([userCertificate])`, cn}, {`CertSubject([certText])`, cn}, {`CertSubjectNameDN([userCertificate])`, cn}, {`CertIssuer([userCertificate])`, cn}, {`CertIssuerDN([userCertificate])`, cn},
		{`CertSubject("-----BEGIN CERTIFICATE-----" & CRLF & [certText] & CRLF & "-----END CERTIFICATE-----")`, cn}, {`CertSubject(ConvertToBase64([userCertificate]))`, cn},
		{`CertSubjectNameOid([userCertificate])`, `NULL`}, {`CertIssuerOid([userCertificate])`, `NULL`}, {`CertSerialNumber([userCertificate])`, `"00C0FFEE"`}, {`CertThumbprint([userCertificate])`, sampleThumb}, {`CertHashString([userCertificate])`, sampleThumb},
		{`CertVersion([userCertificate])`, `"3"`}, {`CertVersion([userCertificate]) = 3`, `True`}, {`CertFormat([userCertificate])`, `"X509"`}, {`CertFriendlyName([userCertificate])`, `""`}, {`CertNotBefore([userCertificate])`, `2024-01-02T03:04:05Z`}, {`CertNotAfter([userCertificate])`, `2034-01-02T03:04:05Z`},
		{`CertKeyAlgorithm([userCertificate])`, `"1.2.840.10045.2.1"`}, {`CertPublicKeyOid([userCertificate])`, `"1.2.840.10045.2.1"`}, {`CertPublicKeyParametersOid([userCertificate])`, `"1.2.840.10045.2.1"`}, {`CertKeyAlgorithmParams([userCertificate])`, `"06082A8648CE3D030107"`},
		{`CertSignatureAlgorithmOid([userCertificate])`, `"1.2.840.10045.4.3.2"`}, {`CertExtensionOids([userCertificate])`, `"2.5.29.15"`}, {`IsCert([userCertificate])`, `True`}, {`IsCert([guid])`, `False`}, {`IsCert([certText])`, `True`}, {`IsCert("")`, `False`},
		{`CertNameInfo([userCertificate], "SimpleName", False)`, `"ann.lee"`}, {`CertNameInfo([userCertificate], "SimpleName", True)`, `"ann.lee"`}, {`CertNameInfo([userCertificate], "EmailName", False)`, `"ann@contoso.com"`}, {`CertNameInfo([userCertificate], "UpnName", False)`, `"ann.lee@contoso.com"`},
		{`CertNameInfo([userCertificate], "DnsName", False)`, `"pc1.contoso.com"`}, {`CertNameInfo([userCertificate], "DnsName", True)`, `"ann.lee"`}, {`CertNameInfo([userCertificate], "DnsFromAlternativeName", False)`, `"pc1.contoso.com"`}, {`CertNameInfo([userCertificate], "DnsFromAlternativeName", True)`, `""`},
		{`CertNameInfo([userCertificate], "UrlName", False)`, `"https://contoso.com/ann"`}, {`CertNameInfo([userCertificate], "Odd", False)`, `!must be one of SimpleName`}, {`CertNameInfo([guid], "SimpleName", False)`, `!is no certificate`}, {`CertNameInfo([nothing], "SimpleName", False)`, `NULL`},
		{`CertSubject([guid])`, `!is no certificate`}, {`CertSubject([cn])`, `!is no certificate`}, {`CertSubject([mail])`, `!neither DER nor base64`}, {`CertSubject([uac])`, `!a text or octets`},
	})
	for _, f := range certFunctions {
		null := map[nullRule]string{nullGivesNull: "NULL", nullGivesFalse: "False"}[f.null]
		if more := strings.Repeat(`, "SimpleName", False`, len(f.takes)/3); evaluated(f.name+"(NULL"+more+")", Connect()) != null {
			t.Errorf("%s of NULL: got %s, want %s", f.name, evaluated(f.name+"(NULL"+more+")", Connect()), null)
		}
	}
}
