"""Invented names of shops, employers and people, for the extra column ``merchant``."""

from __future__ import annotations

_PEOPLE = (
    "A. Lindqvist",
    "B. Okafor",
    "C. Marchetti",
    "D. Novotna",
    "E. van Aalst",
    "F. Bergmann",
    "G. Petridis",
    "H. Sorensen",
    "I. Kowalska",
    "J. Delacroix",
    "K. Yilmaz",
    "L. Fitzroy",
)
_COMPANIES = (
    "Harrow & Pike Works",
    "Nordhafen Logistics",
    "Bellwether Clinic",
    "Castor Components",
    "City of Elmsford",
    "Juniper Software",
    "Tarn Valley Schools",
    "Osprey Engineering",
    "Millrace Foods",
    "Quayside Hotels",
)
_STALLS = ("Counter service", "Self-service desk")

# The most popular first.
_POOLS: dict[str, tuple[str, ...]] = {
    "groceries": (
        "Greenbasket",
        "Halden Market",
        "Fennel & Rye",
        "Corner Larder",
        "Tilly's Produce",
        "Bulk Barn",
        "Old Mill Bakery",
    ),
    "restaurants": (
        "Lantern House",
        "Noodle Yard",
        "Piazza Nove",
        "The Copper Pot",
        "Saffron Lane",
        "Cafe Orbit",
    ),
    "coffee": ("Cafe Orbit", "Third Bean", "Kiosk 9", "Daily Drip", "Northlight Roasters"),
    "fast food": ("Burger Depot", "Taco Standard", "Wrap Republic", "Chip Hut", "Noodle Yard"),
    "clothing": ("Loom & Thread", "Parallel Wear", "Harbour Outfitters", "Second Season", "Stride Shoes"),
    "shopping": (
        "Everly Online",
        "Harbour Outfitters",
        "Paper Crane Books",
        "Volt Depot",
        "Parallel Wear",
        "Nestwell",
    ),
    "electronics": ("Volt Depot", "Pixel Corner", "Everly Online"),
    "home": ("Nestwell", "Timberline Home", "Garden & Gate", "Oak Street Tools"),
    "health": ("Linden Pharmacy", "Dr. Ashgrove", "Brightside Dental", "City Optics"),
    "transport": ("Metro Lines", "Regional Rail", "Swift Cabs", "Pedal Share"),
    "fuel": ("Meridian Fuel", "Roadside 24", "Bluepump"),
    "entertainment": ("Rialto Cinema", "Stage Door Tickets", "Arcade Union", "Lakeside Pool"),
    "travel": ("Skyharbour", "Holiday Atlas", "Regional Rail", "Hotel Belvoir"),
    "subscription": ("Streamly", "Tunebox", "Cloudshelf", "Daily Gazette", "Pixel Pass"),
    "phone": ("Telvia", "Onda Mobile", "Blue Signal"),
    "internet": ("Fibrenet", "Telvia", "Onda Home"),
    "electricity": ("Municipal Energy", "Brightgrid", "Windhaven Power"),
    "utilities": ("Municipal Energy", "Brightgrid", "City Waterworks"),
    "insurance": ("Anchor Mutual", "Northern Shield", "Highgate Hall Assurance"),
    "rent": ("Elm Court Housing", "Hartmann Estates", "Riverside Lettings", "A. Lindqvist", "G. Petridis"),
    "mortgage": ("Homestead Bank", "Guild Building Society"),
    "loan": ("Homestead Bank", "Pennant Credit"),
    "gym": ("Ironworks Gym", "Lakeside Pool", "Studio Balance"),
    "childcare": ("Little Oaks", "Sunflower Nursery"),
    "donation": ("Relief Alliance", "Animal Haven", "Local Food Bank"),
    "supplier": (
        "Castor Components",
        "Nordhafen Logistics",
        "Atlas Wholesale",
        "Pallet & Crate",
        "Delta Chemicals",
        "Quarry Stone",
        "Osprey Engineering",
    ),
    "tax": ("Tax Office",),
    "social security": ("Social Insurance Fund",),
    "pension": ("State Pension Fund", "Guild Pension Scheme"),
    "benefit": ("Family Office",),
    "unemployment benefit": ("Employment Agency",),
    "student grant": ("Student Support Office",),
    "salary": _COMPANIES,
    "bonus": _COMPANIES,
    "customer payment": _COMPANIES,
    "invoice": _COMPANIES,
    "transfer": _PEOPLE,
    "family support": _PEOPLE,
}


def pool(category: str, channels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that may stand beside a category, the most popular first.

    Examples
    --------
    >>> pool("tax", ("transfer",))
    ('Tax Office',)
    >>> pool("cash withdrawal", ("atm",))
    ('Cash machine',)
    """
    if category in _POOLS:
        return _POOLS[category]
    if "atm" in channels:
        return ("Cash machine",)
    if "branch" in channels:
        return _STALLS
    return ("Own bank",)
