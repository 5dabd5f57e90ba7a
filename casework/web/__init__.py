"""Server-rendered pages for both programs: sessions, rights, forms, errors, templates.

A program calls `setup` once and adds its pages with `add_pages`; a page is an async function from request
to response that ends in `render` or `redirect`. Pages work without script.
"""
