"""Chat windows on web sites: who visits, what is said there, what a page may show. Transport is the edges' business."""
