"""XML from strangers, read without what XML can be made to do: no entities, nothing outside the file, no endless depth.

Expat itself opens nothing and refuses entities that it has not been told of; here a document may not tell it of any.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

DEEPEST = 200  # elements within one another
MOST_ELEMENTS = 500_000


def parse_xml(data: str | bytes) -> Element:
    """The root element of a document; comments and processing instructions are left out, and so are names' prefixes:
    tags and attributes are '{namespace}name'.

    Raises:
        ValueError: it is malformed, declares entities or attributes, is nested too deeply or has too many elements;
            the message says where.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator='}')
    depth = count = 0

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > DEEPEST:
            raise ValueError(f'its elements are nested more than {DEEPEST} deep')
        if count > MOST_ELEMENTS:
            raise ValueError(f'it has more than {MOST_ELEMENTS} elements')
        builder.start(_name(tag), {_name(name): value for name, value in attributes.items()})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_name(tag))

    def refuse_subset(_name: str, _system: str | None, _public: str | None, has_subset: int) -> None:
        if has_subset:
            raise ValueError('it declares entities or attributes in its document type, which is refused')

    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse_subset
    try:
        parser.Parse(data, True)
        return builder.close()
    except expat.ExpatError as error:
        raise ValueError(f'it is not well-formed: {error}') from error


def _name(name: str) -> str:
    return f'{{{name}' if '}' in name else name
