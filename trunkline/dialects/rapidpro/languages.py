"""Languages that texts may be written in: ISO 639-3 codes of those that have a two-letter code too, `mul` and `und`."""

import re

from trunkline.dialects.rapidpro.fields import Rule, Text

KNOWN = frozenset(
    re.findall(
        r"\w+",
        """
        aar abk afr aka amh ara arg asm ava ave aym aze bak bam bel ben bis bod bos bre bul cat ces cha che chu chv cor
        cos cre cym dan deu div dzo ell eng epo est eus ewe fao fas fij fin fra fry ful gla gle glg glv grn guj hat hau
        hbs heb her hin hmo hrv hun hye ibo ido iii iku ile ina ind ipk isl ita jav jpn kal kan kas kat kau kaz khm kik
        kin kir kom kon kor kua kur lao lat lav lim lin lit ltz lub lug mah mal mar mkd mlg mlt mon mri msa mul mya nau
        nav nbl nde ndo nep nld nno nob nor nya oci oji ori orm oss pan pli pol por pus que roh ron run rus sag san sin
        slk slv sme smo sna snd som sot spa sqi srd srp ssw sun swa swe tah tam tat tel tgk tgl tha tir ton tsn tso tuk
        tur twi uig ukr und urd uzb ven vie vol wln wol xho yid yor zha zho zul
        """,
    )
)


def rule(sentence: str) -> Rule:
    return lambda text: [] if text in KNOWN else [sentence]


def of_contact(help: str) -> Text:
    sentence = "Not a valid ISO639-3 language code."
    return Text(help, most=3, least=3, required=False, null=True, rules=(rule(sentence),))


def of_texts(help: str) -> Text:
    return Text(help, most=3, required=False, null=True, rules=(rule(NOT_ALLOWED),))


NOT_ALLOWED = "Not an allowed ISO 639-3 language code."
