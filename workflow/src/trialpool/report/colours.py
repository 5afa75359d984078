"""The figures' colours as CSS variables, so that page and figures speak one visual language."""

from __future__ import annotations


def css_variables() -> str:
    """CSS rules that define the colours of `figures.style` for light and for dark pages.

    >>> "--ink: #" in css_variables()
    True
    """
    from trialpool.figures import style

    names = {
        **{"ink": style.INK, "muted": style.MUTED, "rule": style.RULE, "hairline": style.HAIRLINE},
        **{"paper": style.PAPER, "study": style.STUDY, "study-light": style.STUDY_LIGHT},
        **{"pooled": style.POOLED, "pooled-light": style.POOLED_LIGHT},
        **{"benefit": style.BENEFIT, "benefit-edge": style.BENEFIT_EDGE},
    }
    # lights keep their colours on a dark page: the signs on them are white or black on both
    risks = {"low": style.LOW_RISK, "some": style.SOME_RISK, "high": style.HIGH_RISK}
    fixed = " ".join(f"--{name}-risk: {colour};" for name, colour in risks.items())
    light = " ".join(f"--{name}: {colour};" for name, colour in names.items())
    dark = " ".join(f"--{name}: {style.DARK.get(colour, colour)};" for name, colour in names.items())
    return f":root {{ {light} {fixed} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
