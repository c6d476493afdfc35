"""XML from strangers, read without what XML can be made to do: nothing outside the file, no growth, no endless depth.

Expat itself opens nothing. A document may declare a few short entities, as Illustrator does for the names
of namespaces; how long they could make it is known from the number of their uses before any is expanded.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

DEEPEST = 200  # elements within one another
MOST_ELEMENTS = 250_000
MOST_ENTITIES = 100
LONGEST_ENTITY = 256  # characters; Illustrator's have up to 60
MOST_EXPANDED = 4_000_000  # characters that all entities of a document may become


def parse_xml(data: str | bytes) -> Element:
    """The root element of a document; comments and processing instructions are left out, and so are names' prefixes:
    tags and attributes are '{namespace}name'.

    Raises:
        ValueError: it is malformed, in an unknown encoding, declares entities that are not short and plain or
            attributes, is nested too deeply or has too many elements; the message says where.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator='}')
    depth = count = entities = 0
    references = data.count('&') if isinstance(data, str) else data.count(b'&')

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

    def declare_entity(
        name: str, parameter: int, value: str | None, _base: str | None, _system: str | None, *_: object
    ) -> None:
        nonlocal entities
        entities += 1
        if (
            value is None
            or parameter
            or len(value) > LONGEST_ENTITY
            or entities > MOST_ENTITIES
            or set(value) & set('&%')
        ):
            raise ValueError(f'it declares the entity {name[:24]!r}, which is not short and plain, and refused')
        if references * LONGEST_ENTITY > MOST_EXPANDED:
            raise ValueError('it declares entities and uses them too often, which is refused')

    def refuse_attributes(element: str, *_: object) -> None:
        raise ValueError(f'it declares attributes of {element[:24]!r} in its document type, which is refused')

    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler, parser.AttlistDeclHandler = declare_entity, refuse_attributes
    try:
        parser.Parse(data, True)
        return builder.close()
    except expat.ExpatError as error:
        raise ValueError(f'it is not well-formed: {error}') from error
    except LookupError as error:
        raise ValueError(f'its text is in a way that is not known: {error}') from error


def _name(name: str) -> str:
    return f'{{{name}' if '}' in name else name
