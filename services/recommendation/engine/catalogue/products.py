"""Reads the product catalogue from the CSV that a spreadsheet writes, and says all that is wrong with it at once."""

from collections.abc import Mapping
from dataclasses import fields

from services.recommendation.domain import Ability, Barrier, Product, ProductClass
from services.recommendation.engine.catalogue import sheet
from services.recommendation.engine.catalogue.sheet import SheetRow
from services.recommendation.engine.matrix.csv_layout import Faults
from shared.errors import InvalidInput

COLUMNS = tuple("class" if field.name == "product_class" else field.name for field in fields(Product))


def read_products(text: str) -> Mapping[str, Product]:
    """Return the products in `text`, by code; its header names the fields of Product, `class` for `product_class`.

    Raises InvalidInput (POLICY_INVALID) with every violation.
    """
    faults = Faults()
    products = {}
    rows = []
    for row in sheet.read_sheet(text, faults, key="product", needed=COLUMNS, columns=COLUMNS):
        product = _product(row)
        products[product.product] = product
        rows.append((row, product))
    for row, product in rows:
        _check(product, row, products)
    if faults.found:
        raise InvalidInput(faults.found, reason="ERROR_REASON_POLICY_INVALID")
    return products


def _product(row: SheetRow) -> Product:
    return Product(
        product=row.read("product", sheet.matching(sheet.CODE), "a code of small letters, digits and - . _", ""),
        display_name=row.read("display_name", sheet.filled, "a name", ""),
        product_class=row.read(
            "class", sheet.choice(ProductClass), f"one of {', '.join(ProductClass)}", ProductClass.GROWTH
        ),
        barriers=row.read("barriers", sheet.choices(Barrier), f"of {' '.join(Barrier)}, separated by spaces", ()),
        associated_products=sheet.words(row.text("associated_products")),
        price_fen=row.read("price_fen", sheet.fen, "whole fen, not negative", 0),
        boss_order_code=row.read("boss_order_code", sheet.filled, "what BOSS orders", ""),
        sms_order_keyword=row.read("sms_order_keyword", sheet.keyword, "capital letters and digits, not TD", ""),
        sms_cancel_keyword=row.read("sms_cancel_keyword", sheet.keyword, "capital letters and digits, not TD", ""),
        handset_needs=row.read("handset_needs", sheet.abilities, f"of {' '.join(Ability)}, separated by spaces", ()),
        needs_internet=row.read("needs_internet", sheet.yes_or_no, "yes or no", False),
        demonstration=row.text("demonstration"),
    )


def _check(product: Product, row: SheetRow, products: Mapping[str, Product]) -> None:
    """Note a need without its barrier, one keyword for two things, and associated products that are not there."""
    if product.handset_needs and Barrier.HANDSET not in product.barriers:
        row.fault("barriers", "the product needs a handset that can do something: expected the barrier handset, too")
    if product.needs_internet and Barrier.INTERNET not in product.barriers:
        row.fault("barriers", "the product needs internet access: expected the barrier internet, too")
    if product.sms_order_keyword and product.sms_order_keyword == product.sms_cancel_keyword:
        row.fault("sms_cancel_keyword", f'"{product.sms_cancel_keyword}" orders, too: expected another word')
    for other in product.associated_products:
        if other not in products or other == product.product:
            row.fault("associated_products", f'"{other}": expected other products of this catalogue')
