"""A small good file of each extract, as the tests deliver them."""

from pathlib import Path

GOOD = {
    "personer": """\
pnr_pseudo;foedselsaar;koen;oprindelse;udd_niveau;boern;enlig;kommunekode;udgaaet_dato;udgaaet_kode
P0000001;1995;M;dansk;grundskole;0;1;0615;;
P0000002;1990;K;efterkommer;videregaaende;1;0;740;2017-03-01;997
""",
    "ydelser": """\
pnr_pseudo;fra;til;ydelseskode;myndighedskode
P0000001;2016-01-04;2016-05-01;730;615
P0000001;2016-08-01;;720;615
P0000002;01-02-2016;31-12-2016;140;740
""",
    "visitation": """\
pnr_pseudo;fra;til;maalgruppe;visitation
P0000001;2016-01-04;;2.3;aktivitetsparat
P0000002;2016-02-01;2016-12-31;2.13;uddannelsesparat
""",
    "sagsbehandler": """\
pnr_pseudo;fra;til;sagsbehandler_id;team;rolle
P0000001;2016-01-04;;S0001;Ungeenheden;primaer
""",
    "sagstal": """\
sagsbehandler_id;team;kommunekode;maaned;antal_sager;aarsvaerk
S0001;Ungeenheden;615;2016-01;70;1,0
""",
    "samtaler": """\
pnr_pseudo;dato;samtaletype;kontaktform;sagsbehandler_id;udeblevet;registreret
P0000001;2016-02-01;jobsamtale;personlig;S0001;0;2016-02-03
""",
    "tilbud": """\
pnr_pseudo;fra;til;type;timer_pr_uge
P0000001;2016-03-01;2016-04-01;projekt;12,5
""",
    "sanktioner": """\
pnr_pseudo;dato;paragraf;type;aarsag;antal_dage;beloeb;status;vejledt_dato;varsel_dato;partshoert_dato
P0000002;2016-06-01;36;punktsanktion;udeblivelse;3;1.060,50;truffet;2016-02-01;;2016-05-20
""",
    "beskaeftigelse": """\
pnr_pseudo;maaned;timer;loen;branche
P0000001;2016-06;37,5;5000,00;561010
P0000001;2016-06;-7,5;-1000,00;561010
""",
    "uddannelse": """\
pnr_pseudo;fra;til;uddannelsesart;niveau
P0000002;2017-01-01;;hf;gymnasial
""",
    "indsats": """\
kommunekode;team;fra;til;indsats_navn;sagstal_foer;sagstal_efter;budget_kr;maalgruppe
615;;2017-01-01;;faerre-sager;70;35;1800000;aktivitetsparat
""",
    "dream": """\
lobenr,kon,alder9131,nykom2016,nykom2017,y_1651,y_1652,y_1701,branche_2016_12,branche_2017_01
P0000001,1,22,615,615,720,727,,,561010
P0000002,2,31,740,740,730,,,,
""",
    "dream_lang": """\
pnr_pseudo;aar;uge;kode;kommunekode
P0000003;2016;51;720;615
P0000003;2016;52;720;0615
P0000003;2017;1;997;
""",
    "kommunepanel": """\
kommunekode;periode;ydelse;visitation;fuldtid;antal;sanktioner;ledighed;befolkning
0;2017K1;kontanthjaelp;aktivitetsparat;9500,5;..;-;4,2;5748769
615;2017K1;kontanthjaelp;aktivitetsparat;..;..;3;4,1;88519
""",
}


def deliver(project, name: str, text: str | bytes, encoding: str = "utf-8") -> Path:
    """Put a file in the project's extracts."""
    path = project.extracts / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path
