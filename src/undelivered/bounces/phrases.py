"""The words that decide: what mail servers and providers say, by cause, in order of precedence.

The tables are in `wordings`. A row is a run of whole words (case, accents and punctuation do not count; `@` is any
address, ` * ` anything between); rows are separated by `;`. EXACT rows are better evidence than any code; GENERAL rows
are looked at when the code told nothing exact. Put what is exact before what is general. A wrong decision is mended
by one row there and one sample.
"""

from __future__ import annotations

from undelivered.bounces.matching import PhraseBook
from undelivered.bounces.wordings.exact import EXACT
from undelivered.bounces.wordings.general import GENERAL
from undelivered.bounces.wordings.languages import LANGUAGES

exact = PhraseBook([*EXACT, *LANGUAGES])
general = PhraseBook(GENERAL)
