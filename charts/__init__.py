"""Writes the Helm chart `charts/vm-drift` from what it has to say the same as: k8s/ and the settings.

`python -m charts` (`make chart`) writes its templates, values, schema and the table of its README. A test keeps them
current; another lets Helm render them, and compares every object with what kustomize builds. Written by hand are
Chart.yaml, NOTES.txt, _helpers.tpl and the rest of the README.

    objects    what each overlay and component builds
    holes      which of its fields are values of the chart
    template   one object of all of these as a template: where they differ, it asks for the value
    values     the chart's values: schema, values.yaml, README
"""
