"""The customer that a command is asked about."""

import click


class CustomerId(click.ParamType):
    """A customer id: text that UTF-8 has. Bytes of a shell that are no UTF-8 name nobody."""

    name = "customer"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The same text, checked."""
        try:
            value.encode()
        except UnicodeEncodeError:
            self.fail(f"{value!r} is not UTF-8, and a customer id is", param, ctx)
        return value
