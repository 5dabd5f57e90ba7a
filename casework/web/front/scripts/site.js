// On every page.
import "htmx.org";
import { Button, Checkboxes, ErrorSummary, Radios, ServiceNavigation, SkipLink, createAll } from "govuk-frontend";
import "./parts/composing.js";
import "./parts/searching.js";

// govuk-frontend asks for this word before it touches a page; its own way to set it is an inline script.
document.body.classList.add("govuk-frontend-supported");
for (const part of [Button, Checkboxes, ErrorSummary, Radios, ServiceNavigation, SkipLink]) createAll(part);
