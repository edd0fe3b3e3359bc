"""What the figures of a report are called and what they mean."""

SCORES = {  # name -> what it is, in the order of tables
    "iou": "mean IoU over objects, first answer (everything: the match, 0 without one)",
    "iou_2": "mean IoU after 2 clicks",
    "iou_3": "mean IoU after 3 clicks",
    "iou_5": "mean IoU after 5 clicks",
    "iou_10": "mean IoU after 10 clicks",
    "auc": "area under the clicks-to-IoU curve: mean IoU over the first ten clicks",
    "noc_85": "mean number of clicks to IoU 0.85, capped",
    "noc_90": "mean number of clicks to IoU 0.90, capped",
    "best_iou": "mean IoU of the best of the candidates to the first prompt",
    "boundary_iou": "mean boundary IoU (2 % of the diagonal) after the first prompt",
    "dice": "mean Dice after the first prompt",
    "image_iou": "mean over pictures of the mean IoU of their objects",
    "pixel_iou": "IoU of each class over all its pixels, mean over the classes",
    "calibration_error": "expected distance of the model's own score from the IoU reached",
}
LOWER_IS_BETTER = frozenset({"noc_85", "noc_90", "calibration_error"})
