"""Names of months and days: Arabic, Dutch, English, French, German, Indonesian, Italian, Kinyarwanda, Polish,
Portuguese, Romanian, Russian, Spanish, Swahili, Turkish and Ukrainian; every other language gets the English ones.
"""

from typing import NamedTuple


class Names(NamedTuple):
    """Months from January, days from Sunday."""

    months: tuple[str, ...]
    months_short: tuple[str, ...]
    days: tuple[str, ...]
    days_short: tuple[str, ...]


def names(language: str) -> Names:
    """The names in a language given by its three-letter code (ISO 639-3)."""
    return LANGUAGES.get(language, ENGLISH)


def _names(months: str, months_short: str, days: str, days_short: str) -> Names:
    listed = Names(
        tuple(months.split()), tuple(months_short.split()), tuple(days.split("/")), tuple(days_short.split("/"))
    )
    assert [len(part) for part in listed] == [12, 12, 7, 7]
    return listed


ENGLISH = _names(
    "January February March April May June July August September October November December",
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "Sunday/Monday/Tuesday/Wednesday/Thursday/Friday/Saturday",
    "Sun/Mon/Tue/Wed/Thu/Fri/Sat",
)
LANGUAGES = {
    "eng": ENGLISH,
    "ara": _names(
        "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
        "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
        "الأحد/الاثنين/الثلاثاء/الأربعاء/الخميس/الجمعة/السبت",
        "أحد/اثنين/ثلاثاء/أربعاء/خميس/جمعة/سبت",
    ),
    "deu": _names(
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
        "Sonntag/Montag/Dienstag/Mittwoch/Donnerstag/Freitag/Samstag",
        "So/Mo/Di/Mi/Do/Fr/Sa",
    ),
    "fra": _names(
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "janv. févr. mars avril mai juin juil. août sept. oct. nov. déc.",
        "dimanche/lundi/mardi/mercredi/jeudi/vendredi/samedi",
        "dim./lun./mar./mer./jeu./ven./sam.",
    ),
    "ind": _names(
        "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember",
        "Jan Feb Mar Apr Mei Jun Jul Agu Sep Okt Nov Des",
        "Minggu/Senin/Selasa/Rabu/Kamis/Jumat/Sabtu",
        "Min/Sen/Sel/Rab/Kam/Jum/Sab",
    ),
    "ita": _names(
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "gen feb mar apr mag giu lug ago set ott nov dic",
        "domenica/lunedì/martedì/mercoledì/giovedì/venerdì/sabato",
        "dom/lun/mar/mer/gio/ven/sab",
    ),
    "kin": _names(
        "Mutarama Gashyantare Werurwe Mata Gicurasi Kamena Nyakanga Kanama Nzeri Ukwakira Ugushyingo Ukuboza",
        "Mut Gas Wer Mat Gic Kam Nya Kan Nze Ukw Ugu Uku",
        "Ku cyumweru/Kuwa mbere/Kuwa kabiri/Kuwa gatatu/Kuwa kane/Kuwa gatanu/Kuwa gatandatu",
        "Mwe/Mbe/Kab/Gtu/Kan/Gnu/Gnd",
    ),
    "nld": _names(
        "januari februari maart april mei juni juli augustus september oktober november december",
        "jan feb mrt apr mei jun jul aug sep okt nov dec",
        "zondag/maandag/dinsdag/woensdag/donderdag/vrijdag/zaterdag",
        "zo/ma/di/wo/do/vr/za",
    ),
    "pol": _names(
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
        "sty lut mar kwi maj cze lip sie wrz paź lis gru",
        "niedziela/poniedziałek/wtorek/środa/czwartek/piątek/sobota",
        "nie/pon/wto/śro/czw/pią/sob",
    ),
    "por": _names(
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "jan fev mar abr mai jun jul ago set out nov dez",
        "domingo/segunda-feira/terça-feira/quarta-feira/quinta-feira/sexta-feira/sábado",
        "dom/seg/ter/qua/qui/sex/sáb",
    ),
    "ron": _names(
        "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
        "ian feb mar apr mai iun iul aug sept oct nov dec",
        "duminică/luni/marți/miercuri/joi/vineri/sâmbătă",
        "dum/lun/mar/mie/joi/vin/sâm",
    ),
    "rus": _names(
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
        "янв фев мар апр мая июн июл авг сен окт ноя дек",
        "воскресенье/понедельник/вторник/среда/четверг/пятница/суббота",
        "Вс/Пн/Вт/Ср/Чт/Пт/Сб",
    ),
    "spa": _names(
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "ene feb mar abr may jun jul ago sep oct nov dic",
        "domingo/lunes/martes/miércoles/jueves/viernes/sábado",
        "dom/lun/mar/mié/jue/vie/sáb",
    ),
    "swa": _names(
        "Januari Februari Machi Aprili Mei Juni Julai Agosti Septemba Oktoba Novemba Desemba",
        "Jan Feb Mac Apr Mei Jun Jul Ago Sep Okt Nov Des",
        "Jumapili/Jumatatu/Jumanne/Jumatano/Alhamisi/Ijumaa/Jumamosi",
        "J2/J3/J4/J5/Alh/Ij/J1",
    ),
    "tur": _names(
        "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
        "Oca Şub Mar Nis May Haz Tem Ağu Eyl Eki Kas Ara",
        "Pazar/Pazartesi/Salı/Çarşamba/Perşembe/Cuma/Cumartesi",
        "Paz/Pzt/Sal/Çar/Per/Cum/Cmt",
    ),
    "ukr": _names(
        "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
        "січ лют бер кві тра чер лип сер вер жов лис гру",
        "неділя/понеділок/вівторок/середа/четвер/п’ятниця/субота",
        "нд/пн/вт/ср/чт/пт/сб",
    ),
}
