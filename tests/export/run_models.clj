;; clojure -cp SRC run_models.clj FILE: for each model that FILE lists, what it answers to
;; recordings, as a line of JSON.
(ns run-models
  (:require [clojure.edn :as edn]
            [clojure.string :as string]
            [lnn.core :as lnn]))

(defn- json [value]
  (cond
    (sequential? value) (str "[" (string/join "," (map json value)) "]")
    (map? value) (str "{" (string/join "," (map (fn [[k v]] (str (json (name k)) ":" (json v)))
                                                value)) "}")
    (nil? value) "null"
    :else (pr-str value)))

(defn- stepped
  "Return what is told after each step, of its state and its answer."
  [shown net {:keys [rows dt]}]
  (second (reduce (fn [[state found] [row gap]]
                    (let [[state answer] (lnn/step net state row gap)]
                      [state (conj found (shown state answer))]))
                  [nil []] (map vector rows (or dt (repeat nil))))))

(defn- told [call]
  (try (call) (catch clojure.lang.ExceptionInfo error (ex-message error))))

(doseq [{:keys [model recordings streams classes limited]} (edn/read-string (slurp (first *command-line-args*)))]
  (let [net (lnn/load-network model)
        each (fn [f] (mapv (fn [{:keys [rows dt]}] (f net rows dt)) recordings))
        steps (fn [shown] (told #(mapv (partial stepped shown net) streams)))]
    (println (json {:forward (told #(each lnn/forward))
                    :feasible (when limited (told #(each lnn/feasible)))
                    :probabilities (when classes (each lnn/probabilities))
                    :steps (steps (fn [_ answer] answer))
                    :step-feasible (when limited (steps (fn [state _] (:feasible state))))}))))
