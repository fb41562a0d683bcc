"""The page around the views: template, header, tools over the map, tabs, status line, keyboard."""
