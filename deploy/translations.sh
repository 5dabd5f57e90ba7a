#!/bin/sh
# Brings the catalogues of casework/web/locale up to date with the texts of the sources: new ones come in without a
# translation, those that are gone go. Write what is empty, then run tests/casework/web/test_i18n.py.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
locale=casework/web/locale
mkdir -p build
.venv/bin/pybabel -q extract -F babel.cfg -k N_ -k say --no-location --sort-output --omit-header -o build/lianban.pot .
for language in "$locale"/*/; do
    .venv/bin/pybabel -q update -i build/lianban.pot -d "$locale" -D lianban -l "$(basename "$language")" \
        --no-fuzzy-matching --ignore-obsolete --omit-header --no-wrap
done
