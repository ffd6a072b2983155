"""Every spelling that the benchmarks use leads to one language, and the facts about it are those of the sources."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import conf
from harness.errors import HarnessError
from harness.languages import _table, canonical, language, languages

# what each benchmark calls its languages
SPELLINGS = """
xtreme: af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru sw ta te th tl tr ur
vi yo zh

xtreme_r: af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru sw ta te th tl tr
ur vi yo zh az gu ht lt pa pl qu ro uk wo

xglue: ar bg de el en es fr hi it nl pl pt ru sw th tr ur vi zh

uner: ceb da de en hr nb nn pt ru sk sr sv tl zh

uner_hub: ceb_gja zh_gsd zh_gsdsimp zh_pud hr_set da_ddt en_ewt en_pud de_pud pt_bosque pt_pud ru_pud sr_set sk_snk
sv_pud sv_talbanken tl_trg tl_ugnayan nob_norne nno_norne

masakhaner: amh hau ibo kin lug luo pcm swa wol yor

masakhaner2: bam bbj ewe fon hau ibo kin lug luo mos nya pcm sna swa tsn twi wol xho yor zul

masakhapos: bam bbj ewe fon hau ibo kin lug luo mos nya pcm sna swa tsn twi wol xho yor zul

americasnli: aym bzd cni gn hch nah oto quy shp tar

tydiqa: arabic bengali english finnish indonesian korean russian swahili telugu

tatoeba: afr amh ang ara arq arz ast awa aze bel ben ber bos bre bul cat cbk ceb ces cha cmn cor csb cym dan deu dsb
dtp ell epo est eus fao fin fra fry gla gle glg gsw heb hin hrv hsb hun hye ido ile ina ind isl ita jav jpn kab kat
kaz khm kor kur kzj lat lfn lit lvs mal mar max mhr mkd mon nds nld nno nob nov oci orv pam pes pms pol por ron rus
slk slv spa sqi srp swe swg swh tam tat tel tgl tha tuk tur tzl uig ukr urd uzb vie war wuu xho yid yue zsm

ntrex: afr amh arb aze-Latn bak bel bem ben bod bos bul cat ces ckb-Arab cym dan deu div dzo ell eng-GB eng-IN eng-US
est eus ewe fao fas fij fil fin fra fra-CA fuc gle glg guj gsw-BE gsw-ZH hau heb hin hmn hrv hun hye ibo ind isl ita
jpn kan kat kaz khm kin kir kmr kor lao lav lit ltz mal mar mey mkd mlg mlt mon mri msa mya nde nep nld nno nob nso
nya orm pan pol por por-BR prs pus ron rus shi sin slk slv smo sna-Latn snd-Arab som spa spa-MX sqi srp-Cyrl srp-Latn
ssw swa swe tah tam tat tel tgk-Cyrl tha tir ton tsn tuk tur uig ukr urd uzb ven vie wol xho yor yue zho-CN zho-TW zul

flores: ace_Arab ace_Latn acm_Arab acq_Arab aeb_Arab afr_Latn ajp_Arab aka_Latn amh_Ethi apc_Arab arb_Arab arb_Latn
ars_Arab ary_Arab arz_Arab asm_Beng ast_Latn awa_Deva ayr_Latn azb_Arab azj_Latn bak_Cyrl bam_Latn ban_Latn bel_Cyrl
bem_Latn ben_Beng bho_Deva bjn_Arab bjn_Latn bod_Tibt bos_Latn bug_Latn bul_Cyrl cat_Latn ceb_Latn ces_Latn cjk_Latn
ckb_Arab crh_Latn cym_Latn dan_Latn deu_Latn dik_Latn dyu_Latn dzo_Tibt ell_Grek eng_Latn epo_Latn est_Latn eus_Latn
ewe_Latn fao_Latn fij_Latn fin_Latn fon_Latn fra_Latn fur_Latn fuv_Latn gaz_Latn gla_Latn gle_Latn glg_Latn grn_Latn
guj_Gujr hat_Latn hau_Latn heb_Hebr hin_Deva hne_Deva hrv_Latn hun_Latn hye_Armn ibo_Latn ilo_Latn ind_Latn isl_Latn
ita_Latn jav_Latn jpn_Jpan kab_Latn kac_Latn kam_Latn kan_Knda kas_Arab kas_Deva kat_Geor kaz_Cyrl kbp_Latn kea_Latn
khk_Cyrl khm_Khmr kik_Latn kin_Latn kir_Cyrl kmb_Latn kmr_Latn knc_Arab knc_Latn kon_Latn kor_Hang lao_Laoo lij_Latn
lim_Latn lin_Latn lit_Latn lmo_Latn ltg_Latn ltz_Latn lua_Latn lug_Latn luo_Latn lus_Latn lvs_Latn mag_Deva mai_Deva
mal_Mlym mar_Deva min_Arab min_Latn mkd_Cyrl mlt_Latn mni_Beng mos_Latn mri_Latn mya_Mymr nld_Latn nno_Latn nob_Latn
npi_Deva nso_Latn nus_Latn nya_Latn oci_Latn ory_Orya pag_Latn pan_Guru pap_Latn pbt_Arab pes_Arab plt_Latn pol_Latn
por_Latn prs_Arab quy_Latn ron_Latn run_Latn rus_Cyrl sag_Latn san_Deva sat_Olck scn_Latn shn_Mymr sin_Sinh slk_Latn
slv_Latn smo_Latn sna_Latn snd_Arab som_Latn sot_Latn spa_Latn als_Latn srd_Latn srp_Cyrl ssw_Latn sun_Latn swe_Latn
swh_Latn szl_Latn tam_Taml taq_Latn taq_Tfng tat_Cyrl tel_Telu tgk_Cyrl tgl_Latn tha_Thai tir_Ethi tpi_Latn tsn_Latn
tso_Latn tuk_Latn tum_Latn tur_Latn twi_Latn tzm_Tfng uig_Arab ukr_Cyrl umb_Latn urd_Arab uzn_Latn vec_Latn vie_Latn
war_Latn wol_Latn xho_Latn ydd_Hebr yor_Latn yue_Hant zsm_Latn zho_Hans zho_Hant zul_Latn

ud: akk hy cy no orv en sq fr sl gub kmr it tr fi id uk nl pl pt kk la fro es bxr urb ko et hr got gsw aii sme pcm de
lv zh tl bm lt gl vi el ca sv ru cs myv bho th mr eu sk quc yo wbp nds ta mt grc is gun ur ro fa apu ja hu hi lzh koi
fo sa olo ar wo bg aqz mpu xnr br te yue cu krl hsb da ajp kpv ga nyq myu gv sms af otk tpn be sr mdf hyw gd kfm he ug
ckt

wikiann: ace af als am an ang ar arc arz as ast ay az ba bar bat-smg be be-x-old bg bh bn bo br bs ca cbk-zam cdo ce
ceb ckb co crh cs csb cv cy da de diq dv el eml en eo es et eu ext fa fi fiu-vro fo fr frr fur fy ga gan gd gl gn gu
hak he hi hr hsb hu hy ia id ig ilo io is it ja jbo jv ka kk km kn ko ksh ku ky la lb li lij lmo ln lt lv map-bms mg
mhr mi min mk ml mn mr ms mt mwl my mzn nap nds ne nl nn no nov oc or os pa pdc pl pms pnb ps pt qu rm ro ru rw sa sah
scn sco sd sh si simple sk sl so sq sr su sv sw szl ta te tg th tk tl tr tt ug uk ur uz vec vep vi vls vo wa war wuu
xmf yi yo zea zh zh-classical zh-min-nan zh-yue
"""
BENCHMARKS = {
    name.strip(): spellings.split() for name, spellings in (entry.split(":") for entry in SPELLINGS.split("\n\n"))
}


@pytest.mark.parametrize(
    ("name", "namespace", "expected"),
    [
        ("xtreme", "xtreme", 40),
        ("xtreme_r", "xtreme_r", 50),
        ("xglue", "xglue", 19),
        ("uner", "uner", 14),
        ("uner_hub", "uner", 15),  # Chinese in both scripts
        ("masakhaner", "masakhaner", 10),
        ("masakhaner2", "masakhaner2", 20),
        ("masakhapos", "masakhapos", 20),
        ("americasnli", "americasnli", 10),
        ("tydiqa", "tydiqa", 9),
        ("tatoeba", "tatoeba", 112),
        ("ntrex", "ntrex", 129 - 6),  # regional variants: two of English, one each of French, Portuguese, Spanish, gsw
        ("flores", "flores", 204),
        ("ud", "ud", 105),
        ("wikiann", "wikiann", 176 - 3),  # simple is English, be-x-old Belarusian, map-bms Javanese
    ],
)
def test_a_benchmark_names_as_many_languages_as_it_has(name: str, namespace: str, expected: int) -> None:
    found = {canonical(spelling, namespace) for spelling in BENCHMARKS[name]}
    assert len(found) == expected
    assert found <= set(languages())


@pytest.mark.parametrize("code", BENCHMARKS["flores"])
def test_flores_codes_keep_their_language_and_script(code: str) -> None:
    known = language(canonical(code, "flores"))
    assert f"{known.iso639_3}_{known.script}" == code


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        ("de", "deu"),
        ("deu", "deu"),
        ("ger", "deu"),
        ("German", "deu"),
        ("german", "deu"),
        (" GERMAN ", "deu"),
        ("de-DE", "deu"),
        ("de_AT", "deu"),
        ("pt-BR", "por"),
        ("es-419", "spa"),
        ("deu-Latn", "deu"),
        ("zh", "zho-Hans"),
        ("cmn", "zho-Hans"),
        ("zho", "zho-Hans"),
        ("Chinese", "zho-Hans"),
        ("zh-CN", "zho-Hans"),
        ("zh_CN", "zho-Hans"),
        ("zho_Hans", "zho-Hans"),
        ("cmn_hans_cn", "zho-Hans"),
        ("zh-TW", "zho-Hant"),
        ("zho-TW", "zho-Hant"),
        ("zh-Hant-HK", "zho-Hant"),
        ("yue", "yue"),
        ("zh-yue", "yue"),
        ("ltg", "ltg"),
        ("sr", "srp"),
        ("srp-Cyrl", "srp"),
        ("sr-Latn-RS", "srp-Latn"),
        ("tgk-Cyrl", "tgk"),
        ("ace_Arab", "ace-Arab"),
        ("Norwegian Bokmål", "nob"),
        ("norwegian_bokmal", "nob"),
        ("Old_East_Slavic", "orv"),
        ("Classical Chinese", "lzh"),
        ("Haitian Creole", "hat"),
        ("iw", "heb"),
    ],
)
def test_usual_spellings(spelling: str, code: str) -> None:
    assert canonical(spelling) == code


# the members that FLORES-200 chose, by macro-language
MEMBERS = {
    "arb": "ar ara",
    "swh": "sw swa",
    "pes": "fa fas per",
    "est": "et ekk",
    "zsm": "ms msa may",
    "npi": "ne nep",
    "ory": "or ori",
    "uzn": "uz uzb",
    "lvs": "lv lav",
    "als": "sq sqi alb",
    "ydd": "yi yid",
    "azj": "az aze",
    "plt": "mg mlg",
    "khk": "mn mon",
    "kmr": "ku kur",
    "pbt": "ps pus",
    "grn": "gn",
    "ayr": "ay aym",
    "quy": "qu que",
    "gaz": "om orm",
    "nob": "no nor nb",
    "tgl": "tl fil",
    "fuv": "ff ful",
    "knc": "kr kau",
}


@pytest.mark.parametrize(
    ("code", "macro"), [(code, macro) for code, macros in MEMBERS.items() for macro in macros.split()]
)
def test_a_macro_language_means_the_member_of_flores(code: str, macro: str) -> None:
    assert canonical(macro) == code
    assert any(spelling.startswith(f"{code}_") for spelling in BENCHMARKS["flores"])


@pytest.mark.parametrize(
    ("namespace", "spelling", "code"),
    [
        ("", "als", "als"),
        ("flores", "als_Latn", "als"),
        ("wikiann", "als", "gsw"),
        ("wikiann", "sq", "als"),
        ("wikiann", "simple", "eng"),
        ("wikiann", "no", "nob"),
        ("wikiann", "sh", "hbs"),
        ("wikiann", "bh", "bho"),
        ("wikiann", "zh-classical", "lzh"),
        ("wikiann", "zh-min-nan", "nan"),
        ("wikiann", "bat-smg", "sgs"),
        ("wikiann", "fiu-vro", "vro"),
        ("wikiann", "roa-rup", "rup"),
        ("wikiann", "be-x-old", "bel"),
        ("wikiann", "map-bms", "jav"),
        ("wikiann", "cbk-zam", "cbk"),
        ("tatoeba", "ber", "ber"),
        ("tatoeba", "kzj", "kzj"),
        ("tatoeba", "nds", "nds"),
        ("ud", "no", "nob"),
        ("ud", "qpm", "qpm"),
        ("ud", "sr", "srp-Latn"),
        ("uner", "sr", "srp-Latn"),
        ("uner", "zh_pud", "zho-Hant"),
        ("uner", "zh_gsdsimp", "zho-Hans"),
        ("wals", "ger", "deu"),
        ("wals", "swa", "swh"),
        ("wals", "tsn", "tso"),
        ("wals", "npi", "pcm"),
    ],
)
def test_a_data_set_may_mean_another_language(namespace: str, spelling: str, code: str) -> None:
    assert canonical(spelling, namespace) == code


@pytest.mark.parametrize("spelling", ["ara", "als", "de"])
def test_wals_codes_are_never_read_as_iso(spelling: str) -> None:
    with pytest.raises(HarnessError, match="in wals"):
        canonical(spelling, "wals")


@given(st.sampled_from(sorted(_table()[1].items())))
def test_every_known_spelling_resolves_and_its_code_stays(known: tuple[tuple[str, str], str]) -> None:
    (namespace, spelling), code = known
    assert canonical(spelling, namespace) == code
    assert canonical(spelling.upper(), namespace) == code
    assert canonical(code) == code
    assert canonical(language(code).name) == code


@given(st.text(max_size=12))
def test_any_text_is_a_language_or_an_error_for_people(text: str) -> None:
    try:
        assert canonical(text) in languages()
    except HarnessError as error:
        assert repr(text) in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("spelling", "suggestion"),
    [("Germann", "German (deu)"), ("Swahilli", "Swahili (swh)"), ("Estnian", "Estonian (est)")],
)
def test_a_misspelt_language_is_answered_with_the_nearest(spelling: str, suggestion: str) -> None:
    with pytest.raises(HarnessError) as error:
        canonical(spelling)
    assert repr(suggestion) in str(error.value)


@pytest.mark.parametrize("spelling", ["", "xx", "uz-Cyrl", "deu-Arab", "German-DE", "tok"])
def test_nothing_is_guessed(spelling: str) -> None:
    with pytest.raises(HarnessError, match="unknown language"):
        canonical(spelling)


def test_only_canonical_codes_have_an_entry() -> None:
    with pytest.raises(HarnessError, match="'de' is not a canonical"):
        language("de")


@pytest.mark.parametrize(
    ("code", "iso639_1", "script", "family", "branch"),
    [
        ("deu", "de", "Latn", "Indo-European", "Germanic"),
        ("zho-Hans", "zh", "Hans", "Sino-Tibetan", "Chinese"),
        ("zho-Hant", "zh", "Hant", "Sino-Tibetan", "Chinese"),
        ("quy", "qu", "Latn", "Quechuan", "Quechuan"),
        ("gsw", "", "Latn", "Indo-European", "Germanic"),
        ("als", "sq", "Latn", "Indo-European", "Albanian"),
        ("arb", "ar", "Arab", "Afro-Asiatic", "Semitic"),
        ("swh", "sw", "Latn", "Niger-Congo", "Bantu"),
        ("bam", "bm", "Latn", "Mande", "Western Mande"),
        ("tur", "tr", "Latn", "Turkic", "Turkic"),
        ("fin", "fi", "Latn", "Uralic", "Finnic"),
        ("tam", "ta", "Taml", "Dravidian", "Dravidian"),
        ("tgl", "tl", "Latn", "Austronesian", "Greater Central Philippine"),
        ("pcm", "", "Latn", "Creole", "English-based"),
        ("epo", "eo", "Latn", "Constructed", "Constructed"),
        ("nah", "", "Latn", "Uto-Aztecan", "Aztecan"),
        ("urd", "ur", "Arab", "Indo-European", "Indic"),
        ("hin", "hi", "Deva", "Indo-European", "Indic"),
    ],
)
def test_golden_facts(code: str, iso639_1: str, script: str, family: str, branch: str) -> None:
    known = language(code)
    assert (known.iso639_1, known.script, known.family, known.branch) == (iso639_1, script, family, branch)


@pytest.mark.parametrize(
    ("code", "near"), [("quy", (-13.2, -74.2)), ("deu", (52, 10)), ("gun", (-26, -53)), ("mri", (-40, 176))]
)
def test_languages_lie_where_they_are_spoken(code: str, near: tuple[float, float]) -> None:
    known = language(code)
    assert known.latitude == pytest.approx(near[0], abs=3)
    assert known.longitude == pytest.approx(near[1], abs=3)


def test_the_table_holds_together() -> None:
    assert len(languages()) >= 250
    assert list(languages()) == sorted(languages())
    assert len({known.name for known in languages().values()}) == len(languages())
    for code, known in languages().items():
        assert code in (known.iso639_3, f"{known.iso639_3}-{known.script}")
        assert len(known.iso639_3) == 3
        assert len(known.iso639_1) in (0, 2)
        assert len(known.script) == 4
        assert known.script.istitle()
        assert known.family
        assert known.branch


def test_one_language_has_one_family_and_place_in_every_script() -> None:
    for known in languages().values():
        others = [other for other in languages().values() if other.iso639_3 == known.iso639_3]
        assert len({(o.iso639_1, o.family, o.branch, o.latitude, o.longitude) for o in others}) == 1


def test_a_branch_belongs_to_one_family() -> None:
    assert len({(known.family, known.branch) for known in languages().values()}) == len(
        {known.branch for known in languages().values()}
    )


def test_only_constructed_and_collective_languages_lie_nowhere() -> None:
    nowhere = {code for code, known in languages().items() if known.latitude is None}
    constructed = {code for code, known in languages().items() if known.family == "Constructed"}
    assert nowhere == constructed | {"ber", "hmn", "nah", "oto"}
    for known in languages().values():
        assert (known.latitude is None) == (known.longitude is None)
        if known.latitude is not None and known.longitude is not None:
            assert -90 <= known.latitude <= 90
            assert -180 <= known.longitude <= 180


def test_families_are_those_of_wals() -> None:
    root = Path(os.environ.get("HARNESS_DATA", Path(__file__).parents[2] / "shared/data"))
    path = root / "open/typology/wals-languages/languages.csv"
    if not path.exists():
        pytest.skip(f"no {path}: set HARNESS_DATA to the data root")
    with path.open(encoding="utf-8", newline="") as lines:
        rows = {row["ID"]: row for row in csv.DictReader(lines)}
    codes = {spelling: code for (namespace, spelling), code in _table()[1].items() if namespace == "wals"}
    assert len(codes) > 250
    differing = set()
    for wals, code in codes.items():
        row, known = rows[wals], language(code)
        if known.iso639_3 not in f"{row['ISO_codes']} {row['ISO639P3code']}".split():
            differing.add(code)
        if row["Family"] not in ("Altaic", "other"):
            assert (known.family, known.branch) == (row["Family"], row["Genus"]), code
    # ISO 639-3 members that WALS files under the macro-language or a sister code
    assert differing == {"est", "grn", "kon", "nob", "pbt", "srd", "zho-Hans"}


def members(name: str) -> list[str]:
    text = (Path(str(conf.__file__)).parent / "languages" / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# harness ")
    found: list[str] = yaml.safe_load(text)["members"]
    return found


@pytest.mark.parametrize(
    "path", sorted((Path(str(conf.__file__)).parent / "languages").glob("*.yaml")), ids=lambda p: p.stem
)
def test_the_members_of_a_set_are_canonical_and_unique(path: Path) -> None:
    names = members(path.stem)
    assert len(names) == len(set(names))
    assert set(names) <= set(languages())


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("germanic", "branch", "Germanic"),
        ("romance", "branch", "Romance"),
        ("slavic", "branch", "Slavic"),
        ("bantu", "branch", "Bantu"),
        ("indic", "branch", "Indic"),
        ("uralic", "family", "Uralic"),
        ("turkic", "family", "Turkic"),
        ("dravidian", "family", "Dravidian"),
        ("austronesian", "family", "Austronesian"),
        ("afroasiatic", "family", "Afro-Asiatic"),
    ],
)
def test_a_family_set_is_the_family_of_the_table(name: str, field: str, value: str) -> None:
    assert members(name) == [code for code, known in languages().items() if getattr(known, field) == value]


@pytest.mark.parametrize(
    ("name", "benchmark"),
    [
        ("xtreme40", "xtreme"),
        ("xtreme_r50", "xtreme_r"),
        ("xglue19", "xglue"),
        ("masakhane20", "masakhaner2"),
        ("americasnli10", "americasnli"),
        ("flores200", "flores"),
    ],
)
def test_a_benchmark_set_is_the_list_of_the_benchmark(name: str, benchmark: str) -> None:
    assert members(name) == sorted(canonical(spelling) for spelling in BENCHMARKS[benchmark])


def test_the_set_of_uner_is_its_data_sets_languages_and_norwegian() -> None:
    assert members("uner") == sorted({canonical(spelling, "uner") for spelling in BENCHMARKS["uner_hub"]})


@pytest.mark.parametrize(("name", "many"), [("cc100", 94), ("wikipedia104", 104), ("labse109", 109), ("rembert", 103)])
def test_a_pretraining_set_is_as_large_as_its_card_says(name: str, many: int) -> None:
    assert len(members(name)) == many


def test_all_restricts_nothing() -> None:
    assert members("all") == []


def test_importing_the_table_imports_nothing_heavy() -> None:
    script = "import sys, harness.languages; print(*{'pandas', 'numpy', 'torch'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed.split() == []
