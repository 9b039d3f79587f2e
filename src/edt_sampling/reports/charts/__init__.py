"""The page's charts, drawn to SVG without a browser: one chart a file."""
