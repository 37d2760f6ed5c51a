from .images import luminance, match_luminance, match_colors, with_luminance
