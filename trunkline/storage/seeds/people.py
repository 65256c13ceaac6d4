"""Who lives in the demo world: always the same people with the same words. All numbers and addresses are reserved
for fiction, and nothing leaves the machine: every channel is the simulator."""

from decimal import Decimal

from msgspec import Struct


class Person(Struct, frozen=True):
    name: str
    phone: str
    email: str
    company: str | None
    title: str | None
    tags: tuple[str, ...]
    groups: tuple[str, ...]
    city: str
    country: str
    language: str
    plan: str


class Firm(Struct, frozen=True):
    name: str
    website: str
    industry: str
    deal_value: Decimal
    stage: str


class Said(Struct, frozen=True):
    """One inbound message: by whom, on which kind of channel, and what an agent answers, if anybody does."""

    name: str
    channel: str
    text: str
    answer: str | None = None
    subject: str | None = None
    then: str = "open"
    note: str | None = None


FIRMS = (
    Firm("Northwind Traders", "https://northwind.example", "Wholesale", Decimal("48000"), "Proposal"),
    Firm("Globex", "https://globex.example", "Energy", Decimal("125000"), "Qualified"),
    Firm("Initech", "https://initech.example", "Software", Decimal("9600"), "Won"),
    Firm("Umbrella Clinics", "https://umbrella.example", "Health", Decimal("30500"), "Lead"),
)

PEOPLE = (
    Person("Ana Ionescu", "+15550100101", "ana@northwind.example", "Northwind Traders", "Head of Purchasing",
        ("vip", "newsletter"), ("VIP", "Customers"), "Cluj-Napoca", "RO", "ron", "gold"),
    Person("Bogdan Marin", "+15550100102", "bogdan@globex.example", "Globex", "Plant Manager",
        ("newsletter",), ("Customers",), "Bucharest", "RO", "ron", "silver"),
    Person("Chidi Okafor", "+15550100103", "chidi@initech.example", "Initech", "Developer",
        ("beta",), ("Customers", "Beta testers"), "Lagos", "NG", "eng", "gold"),
    Person("Dana Kim", "+15550100104", "dana@umbrella.example", "Umbrella Clinics", "Nurse",
        (), ("Leads",), "Seoul", "KR", "kor", "trial"),
    Person("Elif Demir", "+15550100105", "elif@globex.example", "Globex", "Accountant",
        ("vip",), ("VIP", "Customers"), "Izmir", "TR", "tur", "gold"),
    Person("Farid Haddad", "+15550100106", "farid@northwind.example", "Northwind Traders", "Driver",
        (), ("Customers",), "Amman", "JO", "ara", "silver"),
    Person("Grace Mwangi", "+15550100107", "grace@example.org", None, None,
        ("newsletter",), ("Leads",), "Nairobi", "KE", "eng", "trial"),
    Person("Hugo Silva", "+15550100108", "hugo@example.org", None, None,
        ("beta", "newsletter"), ("Beta testers",), "Porto", "PT", "por", "silver"),
)  # fmt: skip

TALKS = (
    Said("Ana Ionescu", "sms", "Hello, is the delivery still planned for Thursday?",
        "Hello Ana! Yes, between 9 and 11. You get a message when the driver leaves.",
        note="She asked for morning deliveries last year too."),
    Said("Bogdan Marin", "whatsapp", "The second pallet arrived with a torn wrap. Photo follows."),
    Said("Chidi Okafor", "email", "The export ends after 10,000 rows. Is that a limit or a bug?",
        "Thank you, Chidi. Use the export file instead of the page: it has no limit.",
        subject="Export of contacts", then="closed"),
    Said("Dana Kim", "sms", "Can I move my appointment to Friday?",
        "Friday at 14:30 is free. Shall I book it?", then="snoozed"),
    Said("Elif Demir", "whatsapp", "Invoice 2041 has the old address on it."),
    Said("Grace Mwangi", "email", "Do you deliver to Nairobi? We would start with two hundred parcels a month.",
        subject="Shipping to Kenya"),
)  # fmt: skip

FIRST = ("Ada", "Bruno", "Clara", "David", "Esra", "Filip", "Gina", "Hana", "Ivan", "Julia", "Karim", "Lena")
LAST = ("Adler", "Bauer", "Costa", "Dubois", "Eriksen")

# Sixty more, for lists that scroll and broadcasts that take a while.
CROWD = tuple(
    (f"{first} {last}", f"+1555010{1200 + 12 * row + column}")
    for row, last in enumerate(LAST)
    for column, first in enumerate(FIRST)
)

CANNED = (
    ("Opening hours", "/hours", "We are here Monday to Friday, 9:00 to 18:00."),
    ("Where is my parcel?", "/track", "You find it at https://acme.example/track with the number from our message."),
    ("Goodbye", "/bye", "Thank you for writing to Acme. Have a good day!"),
)

REMINDER = "Hello {{name}}, this is a reminder of your appointment on {{date}}. Reply STOP to opt out."
UPDATE = "Hello {{name}}, your order {{order}} is on its way."
FINISHED = "Hello {{first_name}}, the new opening hours start on Monday: 9:00 to 18:00. Reply STOP to opt out."
RUNNING = "Hello {{first_name}}, the summer catalogue is out: https://acme.example/summer. Reply STOP to opt out."
