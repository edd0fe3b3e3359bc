"""What rooms are called, in several languages."""

from random import Random

NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "living": ("Living Room", "Reception", "Reception Room", "Living", "Lounge", "Great Room"),
        "bedroom": ("Bedroom", "Bedroom 1", "Bedroom 2", "Master Bedroom", "Bed 3", "M. Bed Room"),
        "kitchen": ("Kitchen", "Kitchen/Breakfast", "Kitchen/Dining", "Kit."),
        "dining": ("Dining Room", "Dining", "Breakfast Room"),
        "study": ("Study", "Den", "Office", "Library"),
        "office": ("Office", "Meeting", "Office 2", "Reception"),
        "classroom": ("Class Room", "Lab", "Seminar", "Ward"),
        "bathroom": ("Bathroom", "Bath", "Shower Room", "En Suite", "Toilet"),
        "wc": ("WC", "W.C.", "Toilet", "PWD"),
        "laundry": ("Utility", "Laundry", "LDRY"),
        "closet": ("Cupboard", "Clo.", "W.I.C.", "Wardrobe", "CB"),
        "storage": ("Store", "Storage", "Pantry", "Mech"),
        "hall": ("Hall", "Entrance Hall", "Landing", "Entry", "Foyer", "Passage"),
        "corridor": ("Corridor", "Passage", "Hallway"),
        "garage": ("Garage", "2 Car Garage"),
        "stairs": ("Stairs", "UP", "DN"),
        "lift": ("Lift", "Elev."),
        "balcony": ("Balcony", "Terrace", "Porch"),
    },
    "de": {
        "living": ("Wohnzimmer", "Wohnen", "Wohnen/Essen"),
        "bedroom": ("Schlafzimmer", "Schlafen", "Kind 1", "Kinderzimmer", "Zimmer"),
        "kitchen": ("Küche", "Kochen"),
        "dining": ("Essen", "Esszimmer"),
        "study": ("Arbeiten", "Büro"),
        "bathroom": ("Bad", "Dusche/WC", "Badezimmer"),
        "wc": ("WC", "Gäste-WC"),
        "storage": ("Abstellraum", "HWR", "Keller"),
        "hall": ("Flur", "Diele", "Windfang"),
        "balcony": ("Balkon", "Terrasse", "Loggia"),
    },
    "fr": {
        "living": ("Séjour", "Salon", "Séjour / Cuisine"),
        "bedroom": ("Chambre", "Chambre 1", "Chambre 2", "Suite"),
        "kitchen": ("Cuisine", "Cuis."),
        "dining": ("Salle à manger",),
        "study": ("Bureau",),
        "bathroom": ("Salle de bain", "SdB", "S. d'eau"),
        "wc": ("WC", "Toilettes"),
        "closet": ("Placard", "Dressing", "Pl."),
        "storage": ("Cellier", "Rangement", "Cave"),
        "hall": ("Entrée", "Dégagement", "Dgt", "Palier"),
        "garage": ("Garage",),
        "balcony": ("Balcon", "Terrasse"),
    },
    "es": {
        "living": ("Sala", "Salón", "Sala Comedor"),
        "bedroom": ("Dormitorio", "Recámara", "Dorm. 1", "Habitación"),
        "kitchen": ("Cocina",),
        "dining": ("Comedor",),
        "bathroom": ("Baño", "S.H."),
        "wc": ("Aseo", "1/2 Baño"),
        "storage": ("Depósito", "Bodega"),
        "hall": ("Vestíbulo", "Pasillo", "Hall"),
        "balcony": ("Balcón", "Terraza"),
    },
    "it": {
        "living": ("Soggiorno", "Salotto"),
        "bedroom": ("Camera", "Camera 1", "Cameretta"),
        "kitchen": ("Cucina", "Angolo cottura"),
        "bathroom": ("Bagno", "WC"),
        "storage": ("Ripostiglio", "Rip."),
        "hall": ("Ingresso", "Disimpegno"),
        "balcony": ("Balcone", "Terrazzo"),
    },
    "pt": {
        "living": ("Sala", "Sala de Estar"),
        "bedroom": ("Quarto", "Suíte", "Quarto 2"),
        "kitchen": ("Cozinha", "Coz."),
        "bathroom": ("Banheiro", "BWC", "WC"),
        "laundry": ("Área de Serviço", "Lavanderia"),
        "hall": ("Hall", "Circulação"),
        "balcony": ("Varanda", "Sacada"),
    },
    "sv": {
        "living": ("Vardagsrum", "Allrum"),
        "bedroom": ("Sovrum", "Sov 1", "Sov 2"),
        "kitchen": ("Kök", "Kök/Matplats"),
        "bathroom": ("Bad", "WC/D", "Badrum"),
        "closet": ("KLK", "G", "Garderob"),
        "hall": ("Hall", "Entré"),
        "balcony": ("Balkong", "Altan"),
    },
    "fi": {
        "living": ("OH", "OLOHUONE"),
        "bedroom": ("MH 1", "MH", "MAKUUHUONE"),
        "kitchen": ("K", "KT", "KEITTIÖ"),
        "bathroom": ("KPH", "PH", "KHH", "S"),
        "closet": ("VH", "KOM"),
        "hall": ("ET", "AULA", "TK"),
        "balcony": ("PARVEKE", "TERASSI"),
    },
    "pl": {
        "living": ("Salon", "Pokój dzienny"),
        "bedroom": ("Sypialnia", "Pokój", "Pokój 2"),
        "kitchen": ("Kuchnia", "Aneks"),
        "bathroom": ("Łazienka", "WC"),
        "storage": ("Komórka", "Spiżarnia"),
        "hall": ("Hol", "Korytarz", "Przedpokój"),
        "balcony": ("Balkon", "Taras"),
    },
    "ru": {
        "living": ("Гостиная", "Зал", "Общая комната"),
        "bedroom": ("Спальня", "Комната", "ж.к.", "Детская"),
        "kitchen": ("Кухня", "кух.", "Столовая"),
        "bathroom": ("Ванная", "с/у", "Санузел"),
        "wc": ("туал.", "с.у."),
        "storage": ("Кладовая", "клад.", "шк."),
        "closet": ("шк.", "Гардероб"),
        "hall": ("Прихожая", "кор.", "Холл", "Тамбур"),
        "corridor": ("Коридор", "кор."),
        "office": ("Кабинет", "каб."),
        "balcony": ("балкон", "лоджия"),
    },
}

TITLES: dict[str, tuple[str, ...]] = {
    "en": ("First Floor", "Ground Floor", "FLOOR PLAN", "SECOND FLOOR", "Level 2", "Unit A"),
    "de": ("Erdgeschoss", "Grundriss EG", "1. Obergeschoss"),
    "fr": ("Plan du Rez de Chaussée", "Rez-de-chaussée", "Étage", "Niveau 1"),
    "es": ("Planta Baja", "PLANTA ALTA", "Primer Piso"),
    "it": ("Piano Terra", "Piano Primo"),
    "pt": ("Pavimento Térreo", "Planta Baixa"),
    "sv": ("Plan 1", "Entréplan", "Bottenvåning"),
    "fi": ("POHJAPIIRROS", "1. KRS"),
    "pl": ("Parter", "Rzut piętra"),
    "ru": ("2 ЭТАЖ", "План 1 этажа", "3 этаж", "Экспликация"),
}

NOTES = (
    "all dimensions are to be checked on site before work starts",
    "see detail A-102 finished floor level existing wall new opening",
    "ceiling height steel beam above gas meter concrete slab",
    "tiles oak fixed glazing fire door REV typ. 1:100 approx. clg. ht. c/c Ø 12",
)
NOTE_WORDS = tuple(word for note in NOTES for word in note.split())

CAPTIONS = (
    "APPROX. GROSS INTERNAL FLOOR AREA {feet} SQ FT / {metres} SQ M",
    "Gross Internal Area {feet} sq ft / {metres} sq meters",
    "Total area {metres} m²",
    "For identification purposes only. Not to scale.",
    "TOTAL APPROX. FLOOR AREA {feet} SQ.FT. ({metres} SQ.M.)",
    "Approximate Internal Floor Area\n{feet} sq ft / {metres} sq m",
    "Whilst every attempt has been made to ensure the accuracy of this plan,\n"
    "measurements are approximate and no responsibility is taken for any error.",
)


def room_name(rng: Random, kind: str, language: str) -> str:
    """A room's name; in English where the language has no word here."""
    names = NAMES.get(language, NAMES["en"]).get(kind) or NAMES["en"].get(kind, (kind.title(),))
    return rng.choice(names)


def in_feet(metres: float) -> str:
    """Feet and inches, as builders write them."""
    inches = round(metres / 0.0254)
    return f"{inches // 12}'{inches % 12}\""
