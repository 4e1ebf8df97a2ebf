import pytest

from gdt_tutorial.teaching.claim_words import plain, quantity, readable


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (60.0, "60"),
        (0.18342, "0.183"),
        (1234567.0, "1,234,567"),
        (1234.6, "1,235"),
        (-3.2, "\u22123.20"),
        (0.0, "0"),
        (2e-5, "2e\u221205"),
    ],
)
def test_numbers_are_readable(value, text):
    assert readable(value) == text


def test_bounds_have_no_zeros_at_the_end():
    assert [plain(value) for value in (0.5, 3.2, 60.0, 0.0)] == ["0.5", "3.2", "60", "0"]


@pytest.mark.parametrize(
    ("numbers", "options", "text"),
    [
        ((37.3,), {"unit": "%"}, "37\u00a0%"),
        ((515.0,), {}, "515"),
        ((83.32,), {"digits": 3, "unit": "dB"}, "83.3\u00a0dB"),
        ((0.05213, 0.0433, 0.0609), {"signed": True}, "+0.052\u00a0±\u00a00.009"),
        ((12.3, 8.9, 15.7), {}, "12\u00a0±\u00a03"),
        ((0.1, 0.086, 0.114), {}, "0.100\u00a0±\u00a00.014"),
        ((0.5, 0.1, 0.6), {}, "0.5 (0.1 to 0.6)"),
        ((-0.03, -0.05, -0.01), {"signed": True}, "\u22120.03\u00a0±\u00a00.02"),
        ((250.0, 150.0, 350.0), {}, "250\u00a0±\u00a0100"),
        ((3.0, 3.0, 3.0), {}, "3"),
    ],
)
def test_a_quantity_shows_as_many_digits_as_it_has(numbers, options, text):
    assert quantity(*numbers, **options) == text


def test_minus_zero_is_zero():
    assert quantity(-0.0001, -0.05, 0.05) == "0.00\u00a0±\u00a00.05"
