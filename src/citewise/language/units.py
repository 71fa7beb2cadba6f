"""Units of measure, scales and calendar words, as tables: what a figure's next word makes of it."""

from __future__ import annotations

from functools import lru_cache

# kind: one line per unit, "factor to the kind's base unit: spellings". Folded spellings (no accents, lower case).
_UNITS = {
    "time": """
        0.001: ms millisecond milliseconds millisekunden milliseconde millisecondes milisegundos
        1: s sec secs second seconds sekunde sekunden seconde secondes segundo segundos
        60: min mins minute minutes minuten minuto minutos
        3600: h hr hrs hour hours stunde stunden heure heures hora horas
        86400: d day days tag tage tagen jour jours dia dias
        604800: wk week weeks woche wochen semaine semaines semana semanas
        2629800: month months monat monate monaten monats mois mes meses
        7889400: quarters quartale
        31557600: yr yrs year years jahr jahre jahren jahres ans annee annees ano anos
        315576000: decade decades jahrzehnt jahrzehnte decennie decennies decada decadas
        3155760000: centuries jahrhunderte siecles siglos
    """,
    "length": """
        0.000001: μm µm micron microns micrometre micrometres micrometer micrometers
        0.001: mm millimetre millimetres millimeter millimeters millimetern milimetro milimetros
        0.01: cm centimetre centimetres centimeter centimeters zentimeter zentimetern centimetro centimetros
        1: m metre metres meter meters metern metro metros
        1000: km kilometre kilometres kilometer kilometers kilometern kilometro kilometros
        0.0254: inch inches zoll
        0.3048: ft foot feet
        0.9144: yd yard yards
        1609.344: mi mile miles meile meilen milla millas
        1852: nmi
    """,
    "mass": """
        0.000001: μg µg mcg microgram micrograms
        0.001: mg milligram milligrams milligramm milligrammes miligramos
        1: g gram grams gramm gramme grammes gramo gramos
        1000: kg kilo kilos kilogram kilograms kilogramm kilogrammes kilogramo kilogramos
        1000000: t tonne tonnes tonnen tonelada toneladas
        907184.74: ton tons
        28.349523: oz ounce ounces
        453.59237: lb lbs
    """,
    "volume": """
        0.001: ml millilitre millilitres milliliter milliliters millilitern mililitros
        0.01: cl centilitre centilitres zentiliter
        1: l litre litres liter liters litern litro litros
        100: hl hectolitre hectolitres hektoliter
        1000: m³ m3 cubic-metres cubic-meters cubic-metre cubic-meter kubikmeter
        3.785411784: gal gallon gallons
        158.987: bbl barrel barrels
    """,
    "area": """
        1: m² m2 sqm square-metre square-metres square-meter square-meters quadratmeter
        10000: ha hectare hectares hektar hectarea hectareas
        1000000: km² km2 square-kilometre square-kilometres square-kilometer square-kilometers quadratkilometer
        4046.856: acre acres
        0.09290304: sqft square-foot square-feet
        2589988.11: square-mile square-miles
    """,
    "speed": """
        0.2777778: km/h kmh kph
        0.44704: mph
        1: m/s
        0.514444: knot knots knoten
    """,
    "data": """
        1: byte bytes
        1000: kb kilobyte kilobytes
        1000000: mb megabyte megabytes
        1000000000: gb gigabyte gigabytes
        1000000000000: tb terabyte terabytes
        1000000000000000: pb petabyte petabytes
    """,
    "energy": """
        1: j joule joules
        1000: kj kilojoule kilojoules
        4184: kcal kilocalorie kilocalories
        3600: wh
        3600000: kwh kilowatt-hour kilowatt-hours kilowattstunden
        3600000000: mwh
        3600000000000: gwh
        3600000000000000: twh
    """,
    "power": """
        1: w watt watts
        1000: kw kilowatt kilowatts
        1000000: mw megawatt megawatts
        1000000000: gw gigawatt gigawatts
        745.7: hp horsepower
    """,
    "voltage": """
        0.001: mv millivolt millivolts
        1: v volt volts
        1000: kv kilovolt kilovolts
    """,
    "pressure": """
        1: pa pascal pascals
        100: hpa mbar
        1000: kpa
        1000000: mpa
        100000: bar
        6894.757: psi
    """,
    "frequency": """
        1: hz hertz
        1000: khz kilohertz
        1000000: mhz megahertz
        1000000000: ghz gigahertz
    """,
    "celsius": "1: °c celsius",
    "fahrenheit": "1: °f fahrenheit",
    "kelvin": "1: kelvin kelvins",
    "percent": """
        1: % percent per-cent pct prozent pourcent por-ciento percentage-point percentage-points prozentpunkte
    """,
    "money:EUR": "1: € eur euro euros\n0.01: eurocent eurocents",
    "money:USD": "1: $ usd us$ dollar dollars us-dollar us-dollars dolar dolares\n0.01: cents",
    "money:GBP": "1: £ gbp pound pounds pfund",
    "money:CHF": "1: chf franc francs franken rappen",
    "money:JPY": "1: ¥ jpy yen",
    "money:CNY": "1: cny rmb yuan renminbi",
    "money:INR": "1: ₹ inr rupee rupees",
    "money:SEK": "1: sek",
    "money:NOK": "1: nok",
    "money:DKK": "1: dkk",
}

_SCALES = """
    100: hundred hundert cien
    1000: thousand thousands k tausend tsd mille mil
    1000000: million millions mio mn millionen millon millones
    1000000000: billion billions bn milliarde milliarden mrd milliard milliards
    1000000000000: trillion trillions tn billionen
    12: dozen dutzend douzaine docena
    20: score
"""

_WORDS = """
    2: two zwei deux dos
    3: three drei trois tres
    4: four vier quatre cuatro
    5: five funf cinq cinco
    6: six sechs seis
    7: seven sieben sept siete
    8: eight acht huit ocho
    9: nine neun neuf nueve
    10: ten zehn dix diez
    11: eleven elf onze
    12: twelve zwolf douze doce
    13: thirteen dreizehn treize trece
    14: fourteen vierzehn quatorze catorce
    15: fifteen funfzehn quinze quince
    16: sixteen sechzehn seize dieciseis
    17: seventeen siebzehn diecisiete
    18: eighteen achtzehn dieciocho
    19: nineteen neunzehn diecinueve
    20: twenty zwanzig vingt veinte
    30: thirty dreissig trente treinta
    40: forty vierzig quarante cuarenta
    50: fifty funfzig cinquante cincuenta
    60: sixty sechzig soixante sesenta
    70: seventy siebzig setenta
    80: eighty achtzig ochenta
    90: ninety neunzig noventa
"""

_ORDINALS = """
    2: zweite zweiten zweiter deuxieme
    3: third dritte dritten dritter troisieme tercer tercera
    4: fourth vierte vierten quatrieme cuarto cuarta
    5: fifth funfte funften cinquieme quinto quinta
    6: sixth sechste sechsten sixieme sexto sexta
    7: seventh siebte siebten septieme septimo
    8: eighth achte achten huitieme octavo
    9: ninth neunte neunten neuvieme noveno
    10: tenth zehnte zehnten dixieme decimo
    11: eleventh elfte elften
    12: twelfth zwolfte zwolften
    13: thirteenth
    14: fourteenth
    15: fifteenth
    16: sixteenth
    17: seventeenth
    18: eighteenth
    19: nineteenth
    20: twentieth
    21: twenty-first
"""

_MONTHS = """
    1: january jan januar janner janvier enero
    2: february feb februar fevrier febrero
    3: march mar marz mars marzo
    4: april apr avril abril
    5: may mai mayo
    6: june jun juni juin junio
    7: july jul juli juillet julio
    8: august aug aout agosto
    9: september sep sept septembre septiembre
    10: october oct oktober okt octobre octubre
    11: november nov novembre noviembre
    12: december dec dezember dez decembre diciembre
"""

_WEEKDAYS = """
    1: monday mondays montag montags lundi lunes
    2: tuesday tuesdays dienstag dienstags mardi martes
    3: wednesday wednesdays mittwoch mittwochs mercredi miercoles
    4: thursday thursdays donnerstag donnerstags jeudi jueves
    5: friday fridays freitag freitags vendredi viernes
    6: saturday saturdays samstag samstags samedi sabado
    7: sunday sundays sonntag sonntags dimanche domingo
"""

SHARES: dict[str, float] = {
    "half": 0.5,
    "halb": 0.5,
    "halbe": 0.5,
    "halben": 0.5,
    "halbes": 0.5,
    "halfte": 0.5,
    "demi": 0.5,
    "demie": 0.5,
    "moitie": 0.5,
    "medio": 0.5,
    "media": 0.5,
    "mitad": 0.5,
    "third": 1 / 3,
    "thirds": 1 / 3,
    "drittel": 1 / 3,
    "tiers": 1 / 3,
    "tercio": 1 / 3,
    "quarter": 0.25,
    "quarters": 0.25,
    "viertel": 0.25,
    "quart": 0.25,
    "cuarto": 0.25,
    "fifth": 0.2,
    "fifths": 0.2,
    "funftel": 0.2,
    "tenth": 0.1,
    "tenths": 0.1,
}
"""Words for a part of one, folded."""


def _table(lines: str) -> dict[str, float]:
    found = {}
    for line in lines.strip().splitlines():
        value, _, spellings = line.partition(":")
        found.update(dict.fromkeys(spellings.split(), float(value)))
    return found


@lru_cache(maxsize=1)
def units() -> dict[str, tuple[str, float]]:
    """Spelling, folded, several words joined by hyphens → kind and factor to its base unit."""
    return {spelling: (kind, factor) for kind, lines in _UNITS.items() for spelling, factor in _table(lines).items()}


SCALES = _table(_SCALES)
"""Words that multiply the figure before them."""
WORDS = _table(_WORDS)
"""Numbers written out; *one* is left out, since it is mostly a pronoun."""
ORDINALS = _table(_ORDINALS)
"""Ordinals written out; *first* and *second* are left out: mostly an adverb, and a unit."""
MONTHS = {spelling: int(value) for spelling, value in _table(_MONTHS).items()}
WEEKDAYS = {spelling: int(value) for spelling, value in _table(_WEEKDAYS).items()}
