package lab

import "strings"

// identity is what is fixed about a forest.
type identity struct {
	label, name, domain, company string
	familyFirst                  bool // display names are "Berg, Jonas"
	offices                      []*office
}

// office is a place of work. Its cultures are those its people's names come from, the first more often.
type office struct {
	city, street, postal, state string
	c, co, code                 string // ISO 3166: two letters, name, number
	phone, mobile               string
	cultures                    []*culture
}

// culture is a stock of names, each native or "native:latin" where the letters are not those of an address.
type culture struct {
	familyFirst   bool
	given, family []string
}

func names(s string) []string { return strings.Fields(s) }

var (
	english = &culture{given: names("Olivia Amelia Isla Ava Grace Freya Harriet Chloe Megan Ruth Oliver George Harry Noah Jack Leo Arthur Callum Gareth Seán"),
		family: names("Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Wright Walker White Thompson Hughes Green Hall Wood O'Brien Clarke Bennett")}
	german = &culture{given: names("Anna Lena Marie Sophie Käthe Jürgen Lukas Jonas Felix Paul Björn Günter Heike Ursula Jörg Dörte Max Sabine Uwe Annelie"),
		family: names("Müller Schmidt Schneider Fischer Weber Meyer Wagner Schulz Becker Hoffmann Schäfer Köhler König Groß Jäger Böhm Krüger Weiß Bauer Lindner")}
	french = &culture{given: names("Camille Chloé Léa Inès Zoé Éloïse Manon François Gaël Théo Rémi Benoît Hélène Noël Aurélie Loïc Mathéo Anaïs Jérôme Solène"),
		family: names("Martin Bernard Dubois Lefèvre Moreau Garçon Lambert Rousseau Fontaine Chevalier Gauthier Perrin Bélanger Mercier Dupré Étienne Noël Château Delacroix Aubert")}
	spanish = &culture{given: names("Lucía Sofía María Martína Begoña Íñigo José Ángel Andrés Álvaro Nicolás Raúl Inés Belén Óscar Héctor Teresa Carmen Iván Nuria"),
		family: names("García Martínez López Sánchez Pérez Gómez Muñoz Núñez Ibáñez Peña Vázquez Jiménez Ruiz Ortega Delgado Castaño Vega Iglesias Cruz Rojas")}
	polish = &culture{given: names("Zofia Zuzanna Łucja Agnieszka Małgorzata Bożena Jakub Stanisław Paweł Michał Łukasz Wojciech Grażyna Krzysztof Andrzej Święta Ewa Piotr Tomasz Danuta"),
		family: names("Nowak Kowalska Wiśniewski Wójcik Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowski Jabłoński Król Wróbel Stępień Górski Zając Łuczak Sikora Żak")}
	nordic = &culture{given: names("Astrid Søren Åsa Bjørn Jørgen Øyvind Freja Linnéa Göran Håkon Pål Maja Ingrid Åke Sigrún Þór Nils Ragnhild Kåre Elin"),
		family: names("Hansen Sørensen Bjørnstad Åkesson Lindström Nygård Østergaard Sjöberg Ångström Dahl Berglund Mørk Holmgren Kjær Þórsson Næss Strand Løken Ekström Brandt")}
	turkish = &culture{given: names("Elif Zeynep Ayşe Çağla Gülşen Işıl Emre Oğuz Barış Doğan Şükrü Ümit Yiğit Tuğba Hüseyin Selin Kerem Özge Ilgın Deniz"),
		family: names("Yılmaz Kaya Demir Çelik Şahin Yıldız Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Koç Kurt Özkan Şimşek Polat Erdoğan")}
	greek = &culture{given: names("Μαρία:Maria Ελένη:Eleni Αικατερίνη:Aikaterini Σοφία:Sofia Δήμητρα:Dimitra Γιώργος:Giorgos Νίκος:Nikos Κώστας:Kostas Δημήτρης:Dimitris Σπύρος:Spyros"),
		family: names("Παπαδόπουλος:Papadopoulos Γεωργίου:Georgiou Οικονόμου:Oikonomou Νικολάου:Nikolaou Βασιλείου:Vasileiou Καραγιάννης:Karagiannis Αντωνίου:Antoniou Ιωάννου:Ioannou")}
	ukrainian = &culture{given: names("Олена:Olena Оксана:Oksana Ірина:Iryna Наталія:Nataliia Тарас:Taras Андрій:Andrii Сергій:Serhii Юлія:Yuliia Богдан:Bohdan Дмитро:Dmytro"),
		family: names("Шевченко:Shevchenko Коваленко:Kovalenko Бондаренко:Bondarenko Ткаченко:Tkachenko Кравченко:Kravchenko Мельник:Melnyk Поліщук:Polishchuk Гончар:Honchar")}
	japanese = &culture{familyFirst: true,
		given:  names("花子:Hanako 陽菜:Hina 結衣:Yui 美咲:Misaki さくら:Sakura 太郎:Taro 健:Ken 翔太:Shota 大輔:Daisuke 直樹:Naoki"),
		family: names("佐藤:Sato 鈴木:Suzuki 高橋:Takahashi 田中:Tanaka 渡辺:Watanabe 伊藤:Ito 山本:Yamamoto 中村:Nakamura 小林:Kobayashi 加藤:Kato")}
	chinese = &culture{familyFirst: true,
		given:  names("伟:Wei 芳:Fang 娜:Na 秀英:Xiuying 敏:Min 静:Jing 强:Qiang 磊:Lei 洋:Yang 艳:Yan"),
		family: names("王:Wang 李:Li 张:Zhang 刘:Liu 陈:Chen 杨:Yang 黄:Huang 赵:Zhao 吴:Wu 周:Zhou")}
	arabic = &culture{given: names("فاطمة:Fatima مريم:Maryam ليلى:Layla نور:Nour محمد:Mohammed أحمد:Ahmed يوسف:Youssef عمر:Omar خالد:Khaled سارة:Sara"),
		family: names("حداد:Haddad خوري:Khoury منصور:Mansour نجار:Najjar صالح:Saleh ناصر:Nasser عباس:Abbas فارس:Fares قاسم:Qasim حسن:Hassan")}
	indian = &culture{given: names("Priya Ananya Aarav Vivaan Rohan Kavya Meera Arjun Ishaan Lakshmi Ravi Sanjay Deepa Nikhil Asha Vikram Neha Kiran Amit Pooja"),
		family: names("Sharma Verma Gupta Iyer Reddy Nair Menon Rao Singh Kumar Das Bose Chopra Mehta Joshi Kapoor Banerjee Pillai Desai Shah")}
)

var (
	london  = &office{"London", "40 Bishopsgate", "EC2N 4AG", "", "GB", "United Kingdom", "826", "+44 20 7946 ", "+44 7700 9", []*culture{english, english, indian, polish}}
	berlin  = &office{"Berlin", "Friedrichstraße 68", "10117", "BE", "DE", "Germany", "276", "+49 30 2312 ", "+49 171 39", []*culture{german, german, turkish, ukrainian}}
	paris   = &office{"Paris", "12 rue de la Paix", "75002", "", "FR", "France", "250", "+33 1 99 00 ", "+33 6 39 98 ", []*culture{french, french, arabic}}
	seattle = &office{"Seattle", "1201 Third Avenue", "98101", "WA", "US", "United States", "840", "+1 206 555 ", "+1 425 555 ", []*culture{english, spanish, chinese, indian}}
	madrid  = &office{"Madrid", "Gran Vía 32", "28013", "", "ES", "Spain", "724", "+34 91 555 ", "+34 600 55 ", []*culture{spanish}}
	warsaw  = &office{"Warszawa", "ul. Nowy Świat 15", "00-029", "", "PL", "Poland", "616", "+48 22 555 ", "+48 600 55 ", []*culture{polish, polish, ukrainian}}
	athens  = &office{"Athína", "Ermou 25", "105 63", "", "GR", "Greece", "300", "+30 21 0555 ", "+30 694 55", []*culture{greek, greek, english}}
	oslo    = &office{"Oslo", "Karl Johans gate 12", "0154", "", "NO", "Norway", "578", "+47 22 55 ", "+47 400 5", []*culture{nordic, nordic, german}}
	tokyo   = &office{"Tōkyō", "1-9-1 Marunouchi", "100-0005", "", "JP", "Japan", "392", "+81 3 5550 ", "+81 90 5550 ", []*culture{japanese, japanese, english}}
)

var forests = []identity{
	{"contoso", "contoso.lab", "contoso.com", "Contoso", false, []*office{seattle, london, london, berlin, paris, tokyo}},
	{"fabrikam", "fabrikam.lab", "fabrikam.com", "Fabrikam", true, []*office{berlin, oslo, warsaw}},
	{"tailspin", "tailspin.lab", "tailspintoys.com", "Tailspin Toys", false, []*office{madrid, athens, seattle}},
}

// department is a part of a company; weight is its share of the people.
type department struct {
	name, head string
	titles     []string
	weight     int
}

var departments = []department{
	{"Sales", "Head of Sales", []string{"Account Manager", "Sales Representative", "Sales Engineer", "Key Account Manager"}, 22},
	{"Engineering", "Chief Engineer", []string{"Software Engineer", "Senior Software Engineer", "Test Engineer", "Technical Writer", "Architect"}, 20},
	{"Operations", "Head of Operations", []string{"Operations Analyst", "Shift Lead", "Logistics Planner", "Buyer"}, 14},
	{"Customer Service", "Head of Customer Service", []string{"Service Agent", "Service Specialist", "Team Lead Service"}, 12},
	{"Finance", "Chief Financial Officer", []string{"Accountant", "Controller", "Payroll Specialist", "Auditor"}, 9},
	{"Marketing", "Head of Marketing", []string{"Brand Manager", "Designer", "Content Editor", "Market Analyst"}, 8},
	{"IT", "Chief Information Officer", []string{"System Administrator", "Network Engineer", "Service Desk Analyst", "Security Analyst"}, 7},
	{"Human Resources", "Head of Human Resources", []string{"HR Partner", "Recruiter", "Trainer"}, 4},
	{"Legal & Compliance", "General Counsel", []string{"Counsel", "Compliance Officer", "Paralegal"}, 2},
	{"Research", "Head of Research", []string{"Researcher", "Laboratory Technician", "Data Scientist"}, 2},
}

// split takes "native:latin" apart; a name in Latin letters is its own, without its marks.
func split(s string) (native, latin string) {
	if native, latin, ok := strings.Cut(s, ":"); ok {
		return native, latin
	}
	return s, plain(s)
}

var marks = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue", "ß", "ss", "é", "e", "è", "e",
	"ë", "e", "É", "E", "ê", "e", "ï", "i", "î", "i", "í", "i", "ì", "i", "Í", "I", "á", "a", "à", "a", "â", "a", "ã", "a", "Á", "A", "å", "a",
	"Å", "A", "ç", "c", "Ç", "C", "ó", "o", "ô", "o", "Ó", "O", "ø", "o", "Ø", "O", "ú", "u", "û", "u", "Ú", "U", "ñ", "n", "ń", "n", "ł", "l",
	"Ł", "L", "ą", "a", "ę", "e", "ś", "s", "Ś", "S", "ż", "z", "Ż", "Z", "ź", "z", "ć", "c", "ş", "s", "Ş", "S", "ğ", "g", "ı", "i", "İ", "I",
	"æ", "ae", "Æ", "Ae", "þ", "th", "Þ", "Th", "ð", "d", "ý", "y", "ō", "o", "'", "", " ", "")

// plain is a name in the letters of an address.
func plain(s string) string { return marks.Replace(s) }
