package expr

import (
	"strings"
	"testing"
)

func TestCloudGrammar(t *testing.T) {
	t.Parallel()
	check(t, Cloud(), []row{
		{`[cn]`, `"Anna Berg"`}, {`"a"`, `"a"`}, {`"C:\\x \"y\""`, `"C:\\x \"y\""`}, {`[urn:ietf:params:scim:2.0:User#HireDate.x-1]`, `NULL`}, {`Append("t-", [sAMAccountName])`, `"t-anna"`}, {`"t-" & [sAMAccountName]`, `"t-anna"`},
		{`Left(Guid(), 4)`, `"bafa"`}, {`append("a", "b")`, `!it is written Append`}, {`Appnd("a", "b")`, `!is Append meant?`}, {`UCase("a")`, `!there is no function UCase`}, {`CRLF`, `!the word CRLF means nothing`}, {`vbTextCompar`, `!is vbTextCompare meant?`},
		{`Left(, 1)`, `!Left, argument 1: is left out, and must be there`}, {`Left("a", )`, `!Left, argument 2: is left out, and must be there`}, {`Left("a",)`, `!argument 2: is left out`}, {`Left("ab", 1, )`, `!Left: takes 2 arguments, has 3`},
		{`InStr("abcb", "b", , vbTextCompare)`, `2`}, {`InStr("abcb", "b", , )`, `2`}, {`InStr("abcb", "b", 3,)`, `4`}, {`Guid(,)`, `!takes no argument`}, {`Replace("a", "a", , , "b", , , "c")`, `!at most 7`},
		{`BitAnd("514", "&H2")`, `!must be a number`}, {`BitAnd("514", 2)`, `2`}, {`BitAnd([number], 8)`, `8`}, {`Left(12345, 2)`, `"12"`}, {`Left([yes], 2)`, `"Tr"`}, {`Append([when], "!")`, `"3/9/2024 7:05:04 AM!"`},
		{`[when]`, `"3/9/2024 7:05:04 AM"`}, {`Now()`, `"5/4/2026 3:33:38 PM"`}, {`IIF("true", 1, 2)`, `1`}, {`IIF("False", 1, 2)`, `2`}, {`IIF("odd", 1, 2)`, `!true or false`}, {`IIF([nothing] = "", 1, 2)`, `2`}, {`IIF([nothing] <> "x", 1, 2)`, `1`},
		{`IIF([cn] = "Anna Berg" && [nothing] = "x", 1, 2)`, `2`}, {`Append([cn], IgnoreThisFlow)`, `!the word IgnoreThisFlow`}, {`Append([proxy], "x")`, `!takes one value, not 3`},
	})
}

func TestCloudNull(t *testing.T) {
	t.Parallel()
	check(t, Cloud(), []row{
		{`Append([nothing], "x")`, `"x"`}, {`Append("x", [nothing])`, `"x"`}, {`Append([nothing], [nothing])`, `""`}, {`Prepend([nothing], "x")`, `"x"`}, {`Prepend("x", [nothing])`, `"x"`}, {`BitAnd([nothing], 2)`, `NULL`}, {`CBool([nothing])`, `False`},
		{`CDate([nothing])`, `NULL`}, {`CRef([nothing])`, `NULL`}, {`CStr([nothing])`, `NULL`}, {`Coalesce([nothing])`, `NULL`}, {`Coalesce([nothing], [empty], "x")`, `""`}, {`Coalesce([nothing], [mail], Error("not reached"))`, `"anna@contoso.com"`}, {`Coalesce([nothing], [nothing], "")`, `""`},
		{`Contains([nothing], "x")`, `0`}, {`Contains([nothing], "x", "CaseInsensitive")`, `0`}, {`ConvertFromBase64([nothing])`, `NULL`}, {`ConvertFromBase64("YQ==", UTF8)`, `"a"`}, {`ConvertToBase64([nothing])`, `NULL`}, {`ConvertToUTF8Hex([nothing])`, `NULL`}, {`Count([nothing])`, `0`},
		{`DNComponent([nothing], 1)`, `NULL`}, {`DateAdd("d", 1, [nothing])`, `NULL`}, {`DateAdd([nothing], 1, [when])`, `NULL`}, {`DateDiff([nothing], [when], [when])`, `NULL`}, {`DateDiff("d", [nothing], [when])`, `NULL`}, {`DateFromNum([nothing])`, `NULL`}, {`Error([nothing])`, `!`},
		{`FormatDateTime([nothing], , "yyyy", "yy")`, `NULL`}, {`IIF([nothing], 1, 2)`, `2`}, {`IgnoreFlowIfNullOrEmpty([nothing])`, `IgnoreThisFlow`}, {`IgnoreFlowIfNullOrEmpty([empty])`, `IgnoreThisFlow`}, {`IgnoreFlowIfNullOrEmpty([proxy])`, `" SMTP:anna@contoso.com" | "smtp:a@contoso.com " | "smtp:a@contoso.com"`},
		{`InStr([nothing], "x")`, `0`}, {`IsNothing([nothing])`, `True`}, {`IsNothing([empty])`, `False`}, {`IsNull([nothing])`, `True`}, {`IsNull([empty])`, `False`}, {`IsNullOrEmpty([nothing])`, `True`}, {`IsNullOrEmpty([empty])`, `True`}, {`IsPresent([nothing])`, `False`}, {`IsPresent([empty])`, `False`},
		{`IsString([nothing])`, `False`}, {`IsString([uac])`, `True`}, {`IsString([guid])`, `False`}, {`Item([nothing], 1)`, `!there are 0 values`}, {`Join([nothing], "a", "b")`, `"ab"`}, {`Join(",", [nothing])`, `""`}, {`Left([nothing], 1)`, `""`}, {`Mid([nothing], 1, 1)`, `""`},
		{`NormalizeDiacritics([nothing])`, `NULL`}, {`Not([nothing])`, `True`}, {`NumFromDate([nothing])`, `NULL`}, {`PCase([nothing])`, `NULL`}, {`RandomString([nothing], 1, 1, 1, 1)`, `!is NULL; it must be from 1`}, {`Redact([nothing])`, `NULL`}, {`RemoveDuplicates([nothing])`, `NULL`},
		{`Replace([nothing], "a", , , "b", , )`, `NULL`}, {`SelectUniqueValue([nothing], [empty])`, `NULL`}, {`SingleAppRoleAssignment([nothing])`, `NULL`}, {`AppRoleAssignments([nothing])`, `NULL`}, {`AppRoleAssignmentsComplex([nothing])`, `NULL`}, {`Split([nothing], ",")`, `NULL`},
		{`StringFromSid([nothing])`, `NULL`}, {`StripSpaces([nothing])`, `NULL`}, {`Switch([nothing], "d", "a", "b")`, `"d"`}, {`Switch([nothing], "d", "", "none")`, `"none"`}, {`Switch([empty], "d", "", "none")`, `"none"`}, {`ToLower([nothing])`, `NULL`}, {`ToUpper([nothing])`, `NULL`}, {`Trim([nothing])`, `NULL`}, {`Word([nothing], 1, " ")`, `""`},
	})
}

func TestCloudFlow(t *testing.T) {
	t.Parallel()
	check(t, Cloud(), []row{
		{`Switch("QLD", "Australia/Sydney", "NSW", "Australia/Sydney","QLD", "Australia/Brisbane", "SA", "Australia/Adelaide")`, `"Australia/Brisbane"`}, {`Switch("qld", "d", "QLD", "x")`, `"d"`}, {`Switch("x", , "y", "z")`, `NULL`}, {`Switch("y", , "y", "z")`, `"z"`},
		{`Switch([uac], "d", "514", "off")`, `"off"`}, {`Switch([yes], "d", "True", "on")`, `"on"`}, {`Switch([proxy], "d", "a", "b")`, `!must be a text, is 3 values`}, {`Switch("a", "d", "b")`, `!an even number of arguments`}, {`Switch("a", "d")`, `!an even number`}, {`Switch("a", "d", , "x")`, `!argument 3: is left out; only the default may be`},
		{`Switch("a", Error("no"), "a", 1, "b", Error("no"))`, `1`}, {`Switch("c", Error("stop"), "a", 1)`, `!stop`}, {`Switch([cn], [cn], "", "Other")`, `"Anna Berg"`}, {`Switch("1", , "1", IIF(DateDiff("d", Now(), CDate("2030-01-01")) > 5, "False", "True"), "0", "False")`, `"False"`},
		{`SelectUniqueValue("taken1", "taken2", "free", Error("not reached"))`, `"free"`}, {`SelectUniqueValue("taken1", "taken2")`, `!the target holds all of its candidates: "taken1", "taken2"`}, {`SelectUniqueValue("a")`, `!takes at least 2`}, {`Trim(SelectUniqueValue("a", "b"))`, `!SelectUniqueValue: stands alone`}, {`SelectUniqueValue([proxy], "b")`, `!one value, not 3`},
		{`Append("x", IgnoreFlowIfNullOrEmpty("y"))`, `!IgnoreFlowIfNullOrEmpty: stands alone`}, {`IgnoreFlowIfNullOrEmpty(Switch("x", "", "3443", "Dr."))`, `IgnoreThisFlow`}, {`IgnoreFlowIfNullOrEmpty(0)`, `0`}, {`DefaultDomain()`, `"contoso.onmicrosoft.com"`},
		{`Not([yes])`, `False`}, {`Not("True")`, `False`}, {`Not("false")`, `True`}, {`Not("x")`, `True`}, {`Not(1)`, `False`}, {`Not([proxy])`, `True`}, {`CBool([cn] = [mail])`, `False`}, {`CBool(7)`, `True`}, {`CBool("0x")`, `!neither true nor false`}, {`Redact([mail])`, `"anna@contoso.com"`}, {`IIF(IsPresent([mail]), [mail], Error("none"))`, `"anna@contoso.com"`},
		{`IIF(1 >= 2, 1, 2)`, `2`}, {`IIF("b" > "a", 1, 2)`, `1`}, {`IIF([cn]="USA",IIF([mail]="CA","True","False"),"False")`, `"False"`}, {`Error("stop")`, `!stop`},
		{`SingleAppRoleAssignment("Reader")`, `"Reader"`}, {`SingleAppRoleAssignment("{\"displayName\":\"Reader\"}")`, `"Reader"`}, {`SingleAppRoleAssignment([proxy])`, `!has 3 roles`}, {`SingleAppRoleAssignment("{}")`, `!no role with a displayName`}, {`SingleAppRoleAssignment([uac])`, `!must be roles`}, {`AppRoleAssignments([proxy])`, `" SMTP:anna@contoso.com" | "smtp:a@contoso.com " | "smtp:a@contoso.com"`},
		{`AppRoleAssignments("{")`, `!no role`}, {`AppRoleAssignmentsComplex([uac])`, `514`},
	})
}

func TestCloudText(t *testing.T) {
	t.Parallel()
	check(t, Cloud(), []row{
		{`Append([mail], ".test")`, `"anna@contoso.com.test"`}, {`Append(Mid("John", 1, 3), Mid("Doe", 1, 5))`, `"JohDoe"`}, {`Append(Append(Left(Trim([blank]),51),"_"),Mid("0123456789abcdef01234567ABCDEFABCDEF",25,12))`, `"anna_ABCDEFABCDEF"`}, {`Mid("abc", 0, 2)`, `"abc"`}, {`Mid("abc", 2, 99)`, `"bc"`}, {`Mid("abc", 2, -1)`, `"abc"`},
		{`Left("John Doe", 3)`, `"Joh"`}, {`Left("John", -3)`, `"John"`}, {`Left("John", 0)`, `""`}, {`Left("John", 99)`, `"John"`}, {`Left([proxy], 6)`, `" SMTP:" | "smtp:a" | "smtp:a"`}, {`StripSpaces(" a b	c ")`, `"ab\tc"`}, {`Trim([proxy])`, `"SMTP:anna@contoso.com" | "smtp:a@contoso.com" | "smtp:a@contoso.com"`},
		{`Join(", ", "", "Doe","John")`, `"Doe, John"`}, {`Join("-", [proxy], 5)`, `" SMTP:anna@contoso.com-smtp:a@contoso.com -smtp:a@contoso.com-5"`}, {`Join("", 1000, Replace("a7b2", , "[a-zA-Z_]*", , "", , ))`, `"100072"`}, {`Join(",", [guid])`, `!must be texts`}, {`Join("@", NormalizeDiacritics(StripSpaces(Join(".", "Jo hn", "Smith"))), "contoso.com")`, `"John.Smith@contoso.com"`},
		{`Split("PermissionSetOne, PermissionSetTwo", ",")`, `"PermissionSetOne" | "PermissionSetTwo"`}, {`Split("a", ",")`, `"a"`}, {`Split("a--b", "--")`, `"a" | "b"`}, {`Split("a", "")`, `!is empty`}, {`Item(Split("a,b", ","), 2)`, `"b"`}, {`Item([proxy], 9)`, `!is 9, and there are 3 values`}, {`Item([proxy], Contains([proxy], "SMTP:"))`, `" SMTP:anna@contoso.com"`}, {`Count([proxy])`, `3`},
		{`RemoveDuplicates(Trim([proxy]))`, `"SMTP:anna@contoso.com" | "smtp:a@contoso.com"`}, {`Contains([proxy], "smtp:A", "CaseInsensitive")`, `1`}, {`Word("The quick brown fox",3," ")`, `"brown"`}, {`Word("This,string!has&many separators",3,",!&#")`, `"has"`}, {`Word("a", 0, " ")`, `""`}, {`InStr("repEated","e",3,vbBinaryCompare)`, `7`}, {`InStr("The quick brown fox","quick")`, `5`},
		{`PCase("PABLO GONSALVES (SECOND)")`, `"Pablo Gonsalves (Second)"`}, {`PCase("PINTO-DE'SILVA"," '-")`, `"Pinto-De'Silva"`}, {`PCase("PINTO-DE'SILVA")`, `"Pinto-De'silva"`}, {`PCase(Join(" ","GREGORY","JAMES"))`, `"Gregory James"`}, {`PCase("3rd ab3cd x_y a$b")`, `"3Rd Ab3cd X_Y A$B"`}, {`PCase("anna berg", "")`, `"Anna Berg"`}, {`PCase("anna-lee", " ")`, `"Anna-lee"`}, {`PCase("ǆ")`, `"ǅ"`},
		{`ToLower("ISTANBUL")`, `"istanbul"`}, {`ToLower("ISTANBUL","tr-TR")`, `"ıstanbul"`}, {`ToLower("İI","tr")`, `"iı"`}, {`ToLower("İI","az-Latn-AZ")`, `"iı"`}, {`ToLower("İI")`, `"İi"`}, {`ToLower("ÄÖÜẞ", "de-DE")`, `"äöüß"`}, {`ToLower("I", "en-US")`, `"i"`}, {`ToLower("I", "")`, `"i"`}, {`ToLower("I", "x")`, `!is no culture`}, {`ToLower("I", "tr_TR")`, `!is no culture`}, {`ToLower("I", "tr-")`, `!is no culture`},
		{`ToUpper("izmir")`, `"IZMIR"`}, {`ToUpper("izmir", "tr-TR")`, `"İZMİR"`}, {`ToUpper("ı")`, `"ı"`}, {`ToUpper("ı", "en-US")`, `"I"`}, {`ToUpper("straße")`, `"STRAßE"`}, {`ToUpper("é😀")`, `"É😀"`}, {`ToUpper([proxy])`, `" SMTP:ANNA@CONTOSO.COM" | "SMTP:A@CONTOSO.COM " | "SMTP:A@CONTOSO.COM"`},
		{`ConvertToBase64("Hello world!")`, `"SABlAGwAbABvACAAdwBvAHIAbABkACEA"`}, {`ConvertToBase64(1)`, `"MQA="`}, {`ConvertToBase64([guid])`, `"AwIBAAUEBwYICQoLDA0ODw=="`}, {`ConvertToUTF8Hex("Hello world!")`, `"48656C6C6F20776F726C6421"`}, {`ConvertFromBase64("YQA=")`, `"a"`}, {`StringFromSid([sid])`, `"S-1-5-32-544"`}, {`CStr([dn]) = [dn]`, `True`}, {`CStr([uac])`, `"514"`},
		{`DNComponent(CRef([dn]),2)`, `"Sales"`}, {`BitAnd(&HF, &HF7)`, `7`}, {`IsString([cn])`, `True`}, {`Prepend("Group_", "x")`, `"Group_x"`},
	})
}

func TestDiacritics(t *testing.T) {
	t.Parallel()
	table := map[string]string{
		"a": "ä à â ã å á ą ă ā ā́ ā̀ ā̂ ā̃ ǟ ā̈ ǡ a̱ å̄", "ae": "æ ǣ", "c": "ç č ć c̄ c̱", "d": "ď d̄ ḏ", "e": "ë è é ê ę ě ė ē ḗ ḕ ē̂ ē̃ ê̄ e̱ ë̄ e̊̄", "g": "ğ ḡ g̱", "i": "ï î ì í ı ī ī́ ī̀ ī̂ ī̃ i̱", "l": "ľ ł l̄ ḹ ḻ",
		"n": "ñ ń ň n̄ ṉ", "o": "ö ò ő õ ô ó ō ṓ ṑ ō̂ ō̃ ȫ ō̈ ǭ ȭ ȱ o̱", "oe": "ø ø̄ œ̄", "r": "ř r̄ ṟ ṝ", "s": "š ś ș ş s̄ s̱", "t": "ť ț t̄ ṯ", "u": "ü ù û ú ů ű ū ū́ ū̀ ū̂ ū̃ u̇̄ ǖ ṻ ṳ̄ u̱", "y": "ÿ ý ȳ ȳ́ ȳ̀ ȳ̃ y̱", "z": "ź ž ż z̄ ẕ",
		"A": "Ä À Â Ã Å Á Ą Ă Ā Ā́ Ǟ Ǡ A̱ Å̄", "AE": "Æ Ǣ", "C": "Ç Č Ć C̄", "D": "Ď D̄ Ḏ", "E": "Ë È É Ê Ę Ě Ė Ē Ḗ Ḕ E̊̄", "G": "Ğ Ḡ G̱", "I": "Ï Î Ì Í İ Ī I̱", "L": "Ł Ľ Ḹ Ḻ", "N": "Ñ Ń Ň Ṉ", "O": "Ö Ò Ő Õ Ô Ó Ō Ṓ Ṑ Ȫ Ǭ Ȭ Ȱ O̱",
		"OE": "Ø Ø̄ Œ̄", "R": "Ř Ṟ Ṝ", "S": "Š Ś Ș Ş", "T": "Ť Ț Ṯ", "U": "Ü Ù Û Ú Ů Ű Ū Ǖ Ṻ Ṳ̄", "Y": "Ÿ Ý Ȳ Y̱", "Z": "Ź Ž Ż Ẕ", "ss": "ß",
		"đ": "đ", "ð": "ð", "þ": "þ", "ħ": "ħ", "ķ": "ķ", "x": "x",
	}
	for want, all := range table {
		for from := range strings.FieldsSeq(all) {
			if got := evaluated(`NormalizeDiacritics("`+from+`")`, Cloud()); got != `"`+want+`"` {
				t.Errorf("%s: got %s, want %s", from, got, want)
			}
		}
	}
	check(t, Cloud(), []row{
		{`NormalizeDiacritics("Zoë")`, `"Zoe"`}, {`NormalizeDiacritics("plain 😀")`, `"plain 😀"`}, {`NormalizeDiacritics("x́")`, `"x́"`}, {`NormalizeDiacritics("Jürgen Groß-Ångström")`, `"Jurgen Gross-Angstrom"`}, {`NormalizeDiacritics([proxy]) = "x"`, `!takes one value`},
	})
}

func TestCloudReplace(t *testing.T) {
	t.Parallel()
	check(t, Cloud(), []row{
		{`Replace([mail], "@contoso.com", , ,"", ,)`, `"anna"`}, {`Replace("Product Developer","Product Developer", , , "Software Engineer", , )`, `"Software Engineer"`}, {`Replace("aAa", "a", , , "b")`, `"bAb"`}, {`Replace("abc", "", , , "x")`, `"abc"`}, {`Replace([empty], "a", , , "b")`, `""`},
		{`Replace("jsmith","<username>", , , , , "<username>@contoso.com")`, `"jsmith@contoso.com"`}, {`Replace("j","x", , , , , "xax")`, `"jaj"`}, {`Replace([nothing],"x", , , , , "xax")`, `NULL`},
		{`Replace("+91 9998887777", , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", , "${phoneNumber}", , )`, `"9998887777"`}, {`Replace("+1 (999) 888-7777", , "[()\\s-]+", , "", , )`, `"+19998887777"`}, {`Replace("john_doe72", , "[a-zA-Z_]*", , "", , )`, `"72"`},
		{`Replace("ab", , "(a)(b)", , "$2$1-$&-$$-$3-${4}-$_-$+-[$` + "`" + `]-[$']-$", , )`, `"ba-ab-$-$3-${4}-ab-b-[]-[]-$"`}, {`Replace("xaby", , "(?<n>a)b", , "$1${n}$` + "`" + `$'", , )`, `"xaaxyy"`}, {`Replace("aXbX", , "x", , "-", , )`, `"aXbX"`}, {`Replace("aXbX", , "(?i)x", , "-", , )`, `"a-b-"`},
		{`Replace("foobar", , "(?<=foo)bar", , "!", , )`, `"foo!"`}, {`Replace("aa bb ab", , "(\\w)\\1", , "<$1>", , )`, `"<a> <b> ab"`}, {`Replace("price 5", , "\\d(?!\\d)", , "$0$0", , )`, `"price 55"`}, {`Replace("abc", , "", , "-", , )`, `"-a-b-c-"`}, {`Replace("a😀b", , "😀", , "-", , )`, `"a-b"`}, {`Replace([nothing], , "a", , "b", , )`, `NULL`},
		{`Replace("545 Tremont Street", ,"(?<streetNumber>^\\d*)","streetNumber", "888", , )`, `"888 Tremont Street"`}, {`Replace("jsmith@contoso.com", , "(?<Suffix>@(.)*)", "Suffix", "", , )`, `"jsmith"`}, {`Replace("a1b2", , "[a-z](?<d>\\d)", "d", "#", , )`, `"a#b#"`}, {`Replace("ab", , "a(?<x>z)?b", "x", "#", , )`, `"ab"`}, {`Replace("ab", , "(a)(b)", "2", "$1", , )`, `"a$1"`},
		{`Replace("ab", , "a(?=(?<x>b))", "x", "#", , )`, `"ab"`}, {`Replace([nothing], , "(?<x>b)", "x", "#", , )`, `NULL`},
		{`Replace([empty], , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", "phoneNumber" , , "+91 8887779999", )`, `"8887779999"`}, {`Replace([nothing], , "(?<n>\\d+)", "n", , [number], )`, `"42"`}, {`Replace([cn], , "(?<n>\\d+)", "n", , [number], )`, `"Anna Berg"`}, {`Replace([nothing], , "(?<n>\\d+)", "n", , [nothing], )`, `NULL`}, {`Replace([empty], , "(?<n>\\d+)", "n", , [nothing], )`, `""`},
		{`Replace([nothing], , "(?<n>\\d+)", "n", , [cn], )`, `NULL`}, {`Replace([nothing], , "x(?<n>\\d)?", "n", , "x", )`, `NULL`}, {`Replace([proxy], , "smtp:", , "", , )`, `" SMTP:anna@contoso.com" | "a@contoso.com " | "a@contoso.com"`},
		{`Replace("a")`, `!has source; with source go old and value`}, {`Replace("a", "b")`, `!has source, old; with`}, {`Replace("a", "b", "c", , "d")`, `!has source, old, pattern, value; with`}, {`Replace(, "b", , , "c")`, `!has no source`}, {`Replace("a", , "(", , "b")`, `!Replace, argument 3: is no regular expression`}, {`Replace("a", , "(?<n>a)", "m", "b")`, `!argument 4: is no group of the pattern; its groups are n`},
		{`Replace("a", , "a", "m", "b")`, `!its groups are none`}, {`Replace("a", , Append("(", ""), , "b")`, `!is no regular expression`}, {`Replace("a", , Append("(?<n>a)", ""), "m", "b")`, `!is no group of the pattern; its groups are n`}, {`Replace([nothing], , Append("(?<n>a)", ""), "m", , "b")`, `!is no group`}, {`Replace("ab", , Append("a", ""), , "b")`, `"bb"`},
	})
}

func TestCloudDates(t *testing.T) {
	t.Parallel()
	check(t, Cloud(), []row{
		{`CDate("2020-03-16-07:00")`, `"3/16/2020 7:00:00 AM"`}, {`CDate("2021-06-30+08:00")`, `"6/29/2021 4:00:00 PM"`}, {`CDate("2009-06-15T01:45:30-07:00")`, `"6/15/2009 8:45:30 AM"`}, {`CDate("x")`, `!no time`}, {`CDate([when])`, `"3/9/2024 7:05:04 AM"`},
		{`DateAdd("d", 7, CDate("2012-03-16-07:00"))`, `"3/23/2012 7:00:00 AM"`}, {`DateAdd("d", -10, CDate("2012-03-16-07:00"))`, `"3/6/2012 7:00:00 AM"`}, {`DateAdd("ww", 2, CDate("2012-03-16-07:00"))`, `"3/30/2012 7:00:00 AM"`}, {`DateAdd("m", 10, CDate("2012-03-16-07:00"))`, `"1/16/2013 7:00:00 AM"`}, {`DateAdd("yyyy", 2, CDate("2012-03-16-07:00"))`, `"3/16/2014 7:00:00 AM"`},
		{`DateAdd("h", 25, "2012-03-16")`, `"3/17/2012 1:00:00 AM"`}, {`DateAdd("n", -1, "2012-03-16")`, `"3/15/2012 11:59:00 PM"`}, {`DateAdd("s", 1, "2012-03-16")`, `"3/16/2012 12:00:01 AM"`}, {`DateAdd("q", 1, "2012-11-30")`, `"2/28/2013 12:00:00 AM"`}, {`DateAdd("d", "7", "2012-03-16")`, `"3/23/2012 12:00:00 AM"`}, {`DateAdd("d", 7, "soon")`, `!must be a time`},
		{`DateDiff("d", CDate("2021-08-18+08:00"), CDate("2021-08-31+08:00"))`, `13`}, {`DateDiff("d", CDate("8/25/2021 5:41:18 PM"), CDate("2012-03-16-07:00"))`, `-3449`}, {`DateDiff("ww", CDate("8/25/2021 5:41:18 PM"), CDate("2012-03-16-07:00"))`, `-493`}, {`DateDiff("m", CDate("8/25/2021 5:41:18 PM"), CDate("2012-03-16-07:00"))`, `-113`},
		{`DateDiff("yyyy", CDate("8/25/2021 5:41:18 PM"), CDate("2012-03-16-07:00"))`, `-9`}, {`DateDiff("d", CDate("2021-08-31+08:00"), CDate("2021-08-31+08:00"))`, `0`}, {`DateDiff("h", "2021-08-24", "2021-08-25")`, `24`}, {`DateDiff("n", "2021-08-24", "2021-08-25")`, `1440`}, {`DateDiff("s", "2021-08-24", "2021-08-25")`, `86400`}, {`DateDiff("q", "2021-08-24", "2021-08-25")`, `!must be one of yyyy`},
		{`DateFromNum(129699324000000000)`, `"1/1/2012 11:00:00 PM"`}, {`DateFromNum("129699324000000000")`, `"1/1/2012 11:00:00 PM"`}, {`NumFromDate("2020-12-31 23:59:59-08:00")`, `132539615990000000`}, {`NumFromDate(CDate("2012-01-01 23:00:00"))`, `129699324000000000`},
		{`NumFromDate(Join("", FormatDateTime("2020-12-31-08:00", ,"yyyy-MM-ddzzz", "yyyy-MM-dd"), " 23:59:59-08:00"))`, `132539615990000000`}, {`NumFromDate(Join("",FormatDateTime("12/31/2020 08:00:00 AM", ,"M/d/yyyy hh:mm:ss tt","yyyy-MM-dd")," 23:59:59-08:00"))`, `132539615990000000`},
		{`FormatDateTime("20150123105347.1Z", , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")`, `"2015-01-23"`}, {`FormatDateTime("20150123105347.1Z", "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")`, `"2015-01-23"`}, {`FormatDateTime("x", , "yyyy")`, `!only styles may be`}, {`FormatDateTime("x", "yyyy", "yy")`, `!does not have the format`}, {`FormatDateTime("x", "yyyy")`, `!takes source, styles`}, {`FormatDateTime(, , "yyyy", "yyyy")`, `!is left out; only styles may be`},
		{`FormatDateTime(" 2024 ", None, "yyyy", "yy")`, `!does not have the format`}, {`FormatDateTime(" 2024 ", "AllowWhiteSpaces", "yyyy", "yy")`, `"24"`}, {`FormatDateTime("2024 - 3", AllowInnerWhite, "yyyy-M", "MM")`, `"03"`}, {`FormatDateTime("2024", "AllowLeadingWhite, AllowTrailingWhite", "yyyy", "yy")`, `"24"`}, {`FormatDateTime("2024", "Sideways", "yyyy", "yy")`, `!which is no style`},
		{`FormatDateTime("2024", "RoundtripKind, AssumeLocal", "yyyy", "yy")`, `!exclude each other`}, {`FormatDateTime("2024", "DateTimeStyles.AssumeUniversal,DateTimeStyles.AdjustToUniversal", "yyyy", "yyyy")`, `"2024"`}, {`FormatDateTime("10:30", , "HH:mm", "yyyy-MM-dd HH:mm")`, `"2026-05-04 10:30"`}, {`FormatDateTime("10:30", NoCurrentDateDefault, "HH:mm", "yyyy-MM-dd HH:mm")`, `"0001-01-01 10:30"`},
	})
}

func TestRandomString(t *testing.T) {
	t.Parallel()
	check(t, Cloud(), []row{
		{`RandomString(0, 0, 0, 0, 0)`, `!must be from 1 to 256`}, {`RandomString(257, 0, 0, 0, 0)`, `!must be from 1 to 256`}, {`RandomString(3, 2, 2, 0, 0)`, `!less than the 4 characters`}, {`RandomString(3, -1, 0, 0, 0)`, `!must be from 0`}, {`RandomString(3, 9, 0, 0, 0)`, `!must be from 0`},
		{`RandomString(3, 1, 0, 0, 0, "0123456789")`, `!leaves no character of a kind`}, {`RandomString(2, 2, 0, 0, 0, "012345678")`, `"99"`}, {`IsPresent(RandomString(6,3,0,0,3))`, `True`},
	})
	for _, c := range []struct {
		src   string
		least [4]int
		n     int
		avoid string
	}{{`RandomString(6,3,0,0,3)`, [4]int{3, 0, 0, 3}, 6, ""}, {`RandomString(10,2,2,2,1,"?,")`, [4]int{2, 2, 2, 1}, 10, "?,"}, {`RandomString(256,0,0,0,0)`, [4]int{1, 0, 1, 1}, 256, ""}, {`RandomString(1,0,0,0,0)`, [4]int{}, 1, ""}} {
		text, err := Parse(c.src, Cloud())
		if err != nil {
			t.Fatal(err)
		}
		v, err := text.Eval(anna)
		if err != nil || len(v.Str()) != c.n || strings.ContainsAny(v.Str(), c.avoid) {
			t.Errorf("%s: got %q %v, want %d characters, none of %q", c.src, v.Str(), err, c.n, c.avoid)
		}
		for i, class := range classes {
			count := 0
			for _, r := range v.Str() {
				if strings.ContainsRune(class, r) {
					count++
				}
			}
			if count < c.least[i] {
				t.Errorf("%s: got %q with %d of %s, want %d", c.src, v.Str(), count, class, c.least[i])
			}
		}
	}
}
