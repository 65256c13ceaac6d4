"""The flow engine as a black box: one JSON case in, one result out."""
