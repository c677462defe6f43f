// Read from a disk, no page may read another one: then search shows titles, and no line of each page found.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
