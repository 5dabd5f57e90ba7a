// On every page.
import "htmx.org";
import "./parts/composing.js";
