"""Which spellings are one word: capital and small letters, look-alikes, the variants of Arabic script.

`confusables` follows the idea of Unicode's skeletons (UTS 39) with a table of our own: Latin, Cyrillic, Greek,
Armenian and Cherokee letters that look like a Latin one, digits that look like letters, full-width and
mathematical letters. It leaves out other scripts, and look-alikes of several characters but for `rn` and `m`.
"""

import unicodedata

from trunkline.expressions.environment import Collation


def forms(word: str, rule: Collation) -> tuple[str, ...]:
    """Two words are the same when one of their forms is."""
    if rule == "confusables":
        # Skeletons keep the case of what they look like: "M" is none of "rn", so the plain form counts too.
        lowered, looks = word.lower(), skeleton(word).lower()
        return (lowered,) if looks == lowered else (lowered, looks)
    if rule == "arabic_variants":
        return (unicodedata.normalize("NFKC", word).translate(ARABIC).lower(),)
    return (_bare(word.lower()),)


def skeleton(text: str) -> str:
    """The text as it looks: every look-alike replaced by the Latin letter it is taken for."""
    if text.isascii():
        return text.translate(LOOKS)
    # Mathematical and full-width letters are taken apart only by compatibility, which a few letters of the
    # table would not survive: so the table comes before and after.
    return unicodedata.normalize("NFKD", text.translate(LOOKS)).translate(LOOKS)


def _bare(word: str) -> str:
    return word if word.isascii() else word.rstrip("\ufe0e\ufe0f")


# fmt: off
LOOKALIKES = {
    "A": "АΑᎪ", "B": "ВΒᏴ", "C": "СϹᏟ", "D": "Ꭰ", "E": "ЕΕᎬ", "F": "Ϝ", "G": "ԌᏀ", "H": "НΗᎻ", "J": "ЈᎫͿ",
    "K": "КΚᏦ", "L": "ᏞԼ", "M": "МΜᎷϺ", "N": "Ν", "O": "0ОΟՕ", "P": "РΡᏢ", "Q": "Ԛ", "R": "ᎡᏒ", "S": "ЅՏᏚ",
    "T": "ТΤᎢ", "U": "Ս", "V": "ѴᏙ", "W": "ԜᎳᏔ", "X": "ХΧ", "Y": "ҮΥᎽ", "Z": "ΖᏃ",
    "a": "аɑα", "b": "ЬƄ", "c": "сϲᴄ", "d": "ԁ", "e": "еҽ", "f": "ẝք", "g": "ɡցᶃ", "h": "һհᏂ", "i": "іıɩιӏ",
    "j": "јϳ", "k": "ĸ", "l": "1I|ІΙӀ", "n": "ոռ", "o": "оοօᴏσ", "p": "рρϱ", "q": "ԛգզ", "r": "гᴦ", "s": "ѕꜱƽ",
    "u": "υսᴜʋ", "v": "νѵᴠ", "w": "ԝաᴡ", "x": "х", "y": "уүγყʏ", "z": "ᴢ", "ß": "β", "3": "ЗӠƷȜ", "rn": "m",
}
ARABIC_VARIANTS = {
    "ا": "أإآٱ", "ه": "ةۀہھەۃ", "و": "ؤ", "ي": "ىیېئ", "ك": "ک",
    "0": "٠۰", "1": "١۱", "2": "٢۲", "3": "٣۳", "4": "٤۴", "5": "٥۵", "6": "٦۶", "7": "٧۷", "8": "٨۸", "9": "٩۹",
}
# fmt: on
LOOKS = {ord(letter): latin for latin, letters in LOOKALIKES.items() for letter in letters}
ARABIC = {ord(letter): plain for plain, letters in ARABIC_VARIANTS.items() for letter in letters}
